package configs

import (
	"cmp"
	"fmt"

	"qingyuan/quiz"
)

// Chinese says what is wrong to the person at the screen.
func (f *FileError) Chinese() string { return InChinese(chinese, f.form, f.Reason, f.args) }

// InChinese says a reason in the words of a table, by the form that it was written
// in. Arguments that are in the table themselves are said in Chinese as well. A form
// that is not there leaves the reason as it is, behind a word that it is wrong.
func InChinese(table map[string]string, form, reason string, args []any) string {
	text, known := table[form]
	if !known {
		return "设置有误：" + reason
	}
	said := make([]any, len(args))
	for i, a := range args {
		said[i] = a
		switch a := a.(type) {
		case string:
			said[i] = cmp.Or(table[a], a)
		case *quiz.FlawError:
			said[i] = InChinese(table, a.Form, a.Reason(), a.Args)
		}
	}
	return fmt.Sprintf(text, said...)
}

// chinese has the forms of reasons, and the hints within them. %[1]v is the first
// argument of the form.
//
//nolint:gochecknoglobals // A constant in everything but the language.
var chinese = map[string]string{
	"%q stands twice":        "“%[1]v”重复",
	"stands twice":           "重复",
	"want a list":            "应为列表",
	"holds no questions":     "没有题目",
	"at least one is needed": "至少需要一项",
	"%q is taken by %s":      "“%[1]v”已被使用（%[2]v）",
	"want true or false":     "应为 true 或 false",

	"want per cent from 0 to 100, with at most two decimals": "应为 0 到 100 的百分数，至多两位小数",
	"want names with values":                                 "应为“名称: 值”的形式",
	"want letters such as C or ACD":                          "应为选项字母，如 C 或 ACD",
	"want a whole number from %d to %d":                      "应为 %[1]v 到 %[2]v 的整数",
	"want a text":                                            "应为文字",
	"unknown field":                                          "没有这个字段",
	"the tree is deeper than %d levels":                      "组织架构多于 %[1]v 级",
	"sum to %s per cent, not to 100":                         "合计为 %[1]v%%，应为 100%%",
	"question %s: %v":                                        "题目 %[1]v：%[2]v",
	"overlaps with %s":                                       "与“%[1]v”重叠",
	"only goes with ranking_mode top_n":                      "只用于 ranking_mode: top_n",
	"only goes with ranking_mode tiers":                      "只用于 ranking_mode: tiers",
	"only goes with freeze_at":                               "须同时有 freeze_at",

	"no question of the bank is for %q: name an audience it has, or %q": "题库中没有适用于“%[1]v”的题目，请改为题库中有的对象或“%[2]v”",
	"no question of the bank has the topic %q":                          "题库中没有主题为“%[1]v”的题目",
	"names option %c, which does not exist":                             "没有选项 %[1]c",
	"is missing":                                                        "缺少这一项",
	"is kept beside the campaign and not in it":                         "组织架构不写在这里",
	"is empty":                        "是空的",
	"holds no campaign":               "没有内容",
	"holds more than one document":    "只能有一份文档",
	"has no text in %s":               "缺少 %[1]v 的文字",
	"has neither a quiz nor a pledge": "答题（quiz）和承诺书（pledge）至少要有一项",
	"has %d bytes, at most %d":        "有 %[1]v 字节，至多 %[2]v",
	"guardian: true goes with the group %s, and with no other":                                        "guardian: true 用于群体 %[1]v，也只用于它",
	"group %s on %s: %d questions wanted, %d to be had":                                               "群体 %[1]v 在 %[2]v 需要 %[3]v 道题，题库中只有 %[4]v 道可用",
	"ends at %s and begins at %s":                                                                     "结束时间 %[1]v 不在开始时间 %[2]v 之后",
	"does not lie within the campaign, which is open from %s to %s":                                   "不在活动期间（%[1]v 至 %[2]v）之内",
	"a unit is required, but the tree has none":                                                       "报名必须选单位，但组织架构中还没有单位",
	"a region has the sum of its units":                                                               "地区的人数是下属单位之和，不能填写",
	"a name is a text":                                                                                "名称应为文字",
	"a judge question has none of its own":                                                            "判断题不写选项",
	"a campaign is for at least one group":                                                            "至少要有一个参与群体",
	"a campaign for pupils needs the group %s with guardian: true":                                    "面向学生的活动须有群体 %[1]v，并设 guardian: true",
	"%s is so long after opens_at that boards hold attempts of at most %s, and quiz.time_limit is %s": "结束时间 %[1]v 距开放时间太久，榜单只能容纳至多 %[2]v 的答题时长，而 quiz.time_limit 是 %[3]v",
	"%s is not within the campaign, which is open from %s to %s":                                      "%[1]v 不在活动期间（%[2]v 至 %[3]v）之内",
	"%s is not after opens_at %s":                                                                     "%[1]v 不在开放时间 %[2]v 之后",
	"%s is not after freeze_at %s":                                                                    "%[1]v 不在 freeze_at %[2]v 之后",
	"%s is more than thirteen years after opens_at: no board of sums holds that":                      "%[1]v 距开放时间超过十三年，累计榜容纳不下",
	"%s is more than eight years after opens_at: no board holds that":                                 "%[1]v 距开放时间超过八年，榜单容纳不下",
	"%q: want letters from A to %c, each once":                                                        "“%[1]v”应为 A 到 %[2]c 的字母，各至多一次",
	"%q: want id, name and roster; of the id %s":                                                      "“%[1]v”应为编号、名称和人数；编号%[2]v",
	"%q: %s": "“%[1]v”不对，%[2]v",
	"%q stands twice or below a lesser tier: the best comes first":                 "“%[1]v”重复，或排在较低一级之后；应由高到低",
	"%q means the whole time":                                                      "“%[1]v”表示全程，不能用作阶段编号",
	"%q is reserved for whoever enrols without a unit":                             "“%[1]v”留给没有单位的人，不能使用",
	"%q is not one of %s":                                                          "“%[1]v”应为其中之一：%[2]v",
	"%q is not a time such as 2026-06-01 08:00":                                    "“%[1]v”不是时间，应如 2026-06-01 08:00",
	"%q is a bank that is kept elsewhere and cannot be had: %v":                    "题库“%[1]v”无法使用：%[2]v",
	"%q is not a path relative to this file":                                       "“%[1]v”不是本活动中的路径",
	"%q is not a language tag such as zh-CN or bo":                                 "“%[1]v”不是语言代码，应如 zh-CN 或 bo",
	"%q is not a duration such as 15m":                                             "“%[1]v”不是时长，应如 15m",
	"%q is neither https nor a path of this server":                                "“%[1]v”应为 https 地址或本站路径",
	"%d phases, at most %d":                                                        "有 %[1]v 个阶段，至多 %[2]v 个",
	"%d is not more than %d: a share takes in the better tiers":                    "%[1]v 应大于 %[2]v：每级的比例包含更高各级",
	"%d is not a power of two":                                                     "%[1]v 应为 2 的幂",
	"%d attempts of %d points may count, %d together: a board holds sums up to %d": "至多 %[1]v 次、每次 %[2]v 分，共 %[3]v 分；累计榜至多容纳 %[4]v 分",

	"only goes with instant": "只用于 instant（即时抽奖）",
	"there is nothing to win: name instant prizes, draws, or both": "没有任何奖品：请填写 instant（即时奖品）、draws（定期抽奖）或两者",
	"the odds of all prizes sum to %d, at most %d":                 "全部奖品的中奖概率合计为百万分之 %[1]v，至多 %[2]v",
	"%d a day are more than the stock of %d":                       "每日投放 %[1]v 份，多于库存 %[2]v 份",
	"%d prizes, at most %d":                                        "有 %[1]v 种奖品，至多 %[2]v 种",
	"%d draws, at most %d":                                         "有 %[1]v 次抽奖，至多 %[2]v 次",
	"needs a pledge, and the campaign has none":                    "本活动没有承诺书，不能要求签署",
	"asks for an attempt, and the campaign has no quiz":            "本活动没有答题，不能对答题成绩提出要求",
	"%d is more than the %d points of a paper":                     "%[1]v 分高于一份试卷的满分 %[2]v 分",
	"there is no group %q":                                         "没有群体“%[1]v”",
	"there is no region or unit %q":                                "没有地区或单位“%[1]v”",
	"needs freeze_at: the boards stand still from a moment that is announced until the winners were reviewed":               "须同时有 freeze_at：榜单自事先公布的时刻起静止，直到中奖核实结束",
	"the boards move again at %s, and winners are reviewed until %s":                                                        "榜单 %[1]v 恢复，早于中奖核实结束的 %[2]v",
	"WeChat is told who claims a prize and from which network address: consent_notice has to say so, and has no word of %s": "领奖者的微信标识和网络地址会提供给微信：告知书（consent_notice）须写明，其中没有“%[1]v”",

	// What is wrong with the rules of a quiz, or with a question.
	"%s: %v":                                     "%[1]v：%[2]v",
	"count and points must be positive":          "题数（count）和分值（points）应大于 0",
	"worth %d points, at most %d":                "整卷 %[1]v 分，至多 %[2]v 分",
	"%v is not between 10s and 3h":               "%[1]v 应在 10 秒到 3 小时之间",
	"%v is not between 0s and 1m":                "%[1]v 应在 0 秒到 1 分钟之间",
	"not between 0 and %d":                       "应在 0 到 %[1]v 之间",
	"%d is more than the paper's %d points":      "%[1]v 分超过了整卷的 %[2]v 分",
	"id is empty":                                "没有编号",
	"stem is empty":                              "没有题干",
	"basis is empty: name the law or the source": "没有法律依据或出处",
	"difficulty %d is not 1, 2 or 3":             "难度 %[1]v 应为 1、2 或 3",
	"audience is empty":                          "没有适用对象",
	"%s %q is not a date":                        "%[1]v “%[2]v”不是日期，应如 2026-01-01",
	"valid_to %s is before valid_from %s":        "止期 %[1]v 早于起期 %[2]v",
	"%d options, want 2 to %d":                   "有 %[1]v 个选项，应为 2 到 %[2]v 个",
	"option %q is empty or stands twice":         "选项“%[1]v”是空的或重复",
	"key names option %c, which does not exist":  "答案指向不存在的选项 %[1]c",
	"a judge question has the options 正确 and 错误, in this order, and no other": "判断题的选项应为“正确”和“错误”",
	"a %s question has one right option, not %d":                              "%[1]v 题应有一个正确选项，现有 %[2]v 个",
	"a multiple question has two right options or more, not %d":               "多选题应有两个以上正确选项，现有 %[1]v 个",
	"kind %q is not single, multiple or judge":                                "题型“%[1]v”应为 single、multiple 或 judge",

	// Hints.
	prizeForm: "应为小写字母、数字和连字符，至多 32 个",
	"want 2 to 40 small letters, digits and hyphens": "应为 2 至 40 个小写字母、数字和连字符",
	versionHint: "应为字母、数字、点和连字符，至多 32 个",
	nodeHint:    "应为字母、数字、点和连字符，至多 40 个",
	wordForm:    "应为小写字母、数字和下划线，至多 32 个",
	topicForm:   "应为一行文字，至多 64 个字",
	"want letters, digits, dots and hyphens, at most 64":                      "应为字母、数字、点和连字符，至多 64 个",
	"want a small letter, then small letters, digits and hyphens, at most 32": "应以小写字母开头，后接小写字母、数字和连字符，至多 32 个",
	"want 2 to 8 capital letters and digits":                                  "应为 2 至 8 个大写字母和数字",
	"want the 6 or 12 digits of a division":                                   "应为 6 位或 12 位数字的区划代码",
}
