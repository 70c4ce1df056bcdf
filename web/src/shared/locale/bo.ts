import type zh from './zh-CN'

/**
 * The texts of the pages in Tibetan, as far as there are any; they stand beside the
 * Chinese ones. Like the Tibetan of the demonstration they are a start, for the office of
 * the Tibetan language to examine before use.
 */
const bo: Partial<Record<keyof typeof zh, string>> = {
  'app.language': 'སྐད་ཡིག',
  'app.back': 'ཕྱིར་ལོག',
  'home.join': 'ཐོ་འགོད།',
  'home.pledge': 'ཁས་ལེན་ཡི་གེར་མིང་རྟགས་འགོད་པ།',
  'home.quiz': 'ཤེས་བྱའི་དྲི་བ་དྲིས་ལན།',
  'home.start': 'འགོ་འཛུགས།',
  'join.signIn': 'ཐོ་འཇུག',
  'join.name': 'མིང་།',
  'join.unit': 'ལས་ཁུངས།',
  'join.phone': 'ཁ་པར་ཨང་གྲངས།',
  'pledge.title': 'ཁས་ལེན་ཡི་གེར་མིང་རྟགས་འགོད་པ།',
  'pledge.name': 'མིང་།',
  'pledge.sign': 'ངས་ཁས་ལེན་བྱས་ཏེ་མིང་རྟགས་བཀོད།',
  'quiz.title': 'ཤེས་བྱའི་དྲི་བ་དྲིས་ལན།',
  'quiz.begin': 'འགོ་འཛུགས།',
  'quiz.prev': 'སྔོན་མ།',
  'quiz.next': 'རྗེས་མ།',
  'quiz.submit': 'ཤོག་ལྷེ་སྤྲོད་པ།',
  'prizes.title': 'བྱ་དགའ།',
  'chances.spend': 'བྱ་དགའ་འཐེན་པ།',
  'claim.name': 'མིང་།',
  'claim.phone': 'ཁ་པར་ཨང་གྲངས།',
  'claim.address': 'ཁ་བྱང་།',
  'winners.title': 'བྱ་དགའ་ཐོབ་མཁན།',
  'board.name': 'མིང་།',
  'board.unit': 'ལས་ཁུངས།',
}

export default bo
