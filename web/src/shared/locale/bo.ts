import type zh from './zh-CN'

/**
 * The texts of the pages in Tibetan, as far as there are any; they stand beside the
 * Chinese ones. Like the Tibetan of the demonstration they are a start, for the office of
 * the Tibetan language to examine before use. Where a phrase is not sure, none stands here:
 * the Chinese one is shown alone.
 */
const bo: Partial<Record<keyof typeof zh, string>> = {
  'app.language': 'སྐད་ཡིག',
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

  // Words of every day, added later; no native reader has examined them yet.
  'app.retry': 'ཡང་བསྐྱར་ཚོད་ལྟ།',
  'state.scheduled': 'འགོ་ཚུགས་མེད།',
  'state.closed': 'མཇུག་རྫོགས།',
  'home.certificate': 'ལག་ཁྱེར་ལ་ལྟ་བ།',
  'home.signOut': 'ཕྱིར་འཐོན།',
  'settings.large': 'ཡི་གེ་ཆེན་པོ།',
  'join.title': 'ཐོ་འགོད།',
  'join.enrol': 'ཐོ་འགོད།',
  'join.number': 'ཨང་གྲངས།',
  'quiz.left': 'དུས་ཚོད་ལྷག་མ།',
  'quiz.answered': 'ལན་བཏབ་ཟིན།',
  'quiz.unanswered': 'ལན་མ་བཏབ།',
  'receipt.right': 'ཡང་དག་པའི་ལན།',
  'receipt.yours': 'ཁྱེད་ཀྱི་ལན།',
  'receipt.none': 'ལན་མ་བཏབ།',
  'receipt.why': 'འགྲེལ་བཤད།',
  'board.score': 'སྐར་མ།',
  'board.me': 'ང་།',
  'certificate.title': 'ཁས་ལེན་ལག་ཁྱེར།',
  'feedback.text': 'ནང་དོན།',
  'request.answer': 'ལན།',
}

export default bo
