package catalog

import "qingyuan/configs"

// Chinese says what may not change to the person at the screen.
func (e *ChangeError) Chinese() string { return configs.InChinese(chinese, e.form, e.Reason, e.args) }

// chinese has the forms of what CheckChange finds.
//
//nolint:gochecknoglobals,gosec // A constant in everything but the language, and no credentials.
var chinese = map[string]string{
	"cannot change once the campaign has opened: acts until then would be missing": "活动开放后不能再改：此前的记录会缺失",
	"%s would begin less than a minute from now: acts since then would be missing": "阶段 %[1]v 至少要在一分钟以后开始",
	"%s has begun and cannot go":                                                                       "阶段 %[1]v 已经开始，不能去掉",
	"%s has begun and cannot begin at another time":                                                    "阶段 %[1]v 已经开始，不能改开始时间",
	"%s cannot end at another time less than a minute beforehand, nor afterwards":                      "阶段 %[1]v 的结束时间须提前一分钟以上修改",
	"%s cannot become %s: the boards are laid out for it":                                              "不能由 %[1]v 改为 %[2]v：榜单已按此建立",
	"cannot become earlier: the times on the boards count from it":                                     "不能提前：榜单的时间由此算起",
	"%s is later than the boards can hold, which is before %s":                                         "%[1]v 超出榜单所能容纳的范围（%[2]v 之前）",
	"%s is more than the boards can hold, which is %s":                                                 "%[1]v 超出榜单所能容纳的时长（%[2]v）",
	"cannot change less than a minute beforehand, nor afterwards: the boards stand still as announced": "须提前一分钟以上修改，已开始的封榜不能再改",
	"%s is not at least a minute ahead: a freeze is announced beforehand":                              "%[1]v 至少要在一分钟以后：封榜须事先公布",
	"cannot change less than a minute beforehand, nor afterwards":                                      "须提前一分钟以上修改",
	"%s is not at least a minute ahead":                                                                "%[1]v 至少要在一分钟以后",
	"cannot change while the boards stand still":                                                       "封榜期间不能修改",
	"%d cannot become %d: keys lie by shard":                                                           "不能由 %[1]v 改为 %[2]v：数据已按此存放",
	"%s cannot become %s: serials carry it":                                                            "不能由 %[1]v 改为 %[2]v：证书编号以此开头",
	"cannot change once the campaign has opened":                                                       "活动开放后不能再改",
	"cannot come or go once the campaign has opened":                                                   "活动开放后不能增加或取消",
	"a paper was worth %d points and would be worth %d: scores could not be compared":                  "满分由 %[1]v 分变为 %[2]v 分，成绩将无法比较",
	"%s cannot become %s: attempts are marked by it already":                                           "不能由 %[1]v 改为 %[2]v：已有答卷按此评分",
	"%d cannot become %d: who passed is counted already":                                               "不能由 %[1]v 改为 %[2]v：及格人数已经计入",
	"%s cannot go or change its guardian rule":                                                         "群体 %[1]v 不能去掉，也不能改监护人规则",
	"changes need a new version: people agreed to %s":                                                  "修改须用新的版本号：已有人同意版本 %[1]v",
	"people were told %d days: a longer time needs a new version of consent_notice":                    "告知中承诺保存 %[1]v 天，延长须使用新的告知版本",
	"%s was published: add a version behind it instead":                                                "版本 %[1]v 已经公布，请在其后增加新版本",
	"unit %s cannot go: people may belong to it":                                                       "单位 %[1]v 不能删除：可能已有人报名，可改为停用",
	"unit %s cannot move from %q to %q":                                                                "单位 %[1]v 不能由“%[2]v”移到“%[3]v”",
	"changes need a new version: people took part by %s":                                               "修改须用新的版本号：已有人按版本 %[1]v 参加",
	"the secret of the chances was told: who knows it could tell which chances win":                    "抽奖密钥已经公布，活动不能再开放",
	"%d days were promised":                                                                            "已承诺 %[1]v 天，只能延长",
	"people took part without agreeing to it":                                                          "已有人在没有此项约定时参加，不能改动（可以取消）",
	"prizes cannot come or go: the odds lie one behind the other":                                      "奖品已经公布，不能增加或取消：中奖概率按公布的顺序排列",
	"%s was announced and cannot change":                                                               "抽奖 %[1]v 已经公布，不能修改或取消",
	"%s was not announced before the opening":                                                          "抽奖 %[1]v 未在活动开放前公布，不能增加",
	"%s: %d were promised, and there would be %d":                                                      "奖品 %[1]v 已承诺 %[2]v 份，不能减为 %[3]v 份",
	"%s: less would be released each day than was promised":                                            "奖品 %[1]v 的每日投放不能少于已公布的数量",
	"%s: the odds were published and cannot change":                                                    "奖品 %[1]v 的中奖概率已经公布，不能修改",
	"%s: kind, name, value and tax were published and cannot change":                                   "奖品 %[1]v 的种类、名称、价值和税费已经公布，不能修改",
	"region %s cannot move or become a unit":                                                           "地区 %[1]v 不能移动或改为单位",
}
