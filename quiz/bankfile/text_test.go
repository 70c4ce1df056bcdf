package bankfile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// toldText reads a plain text by the whole way and tells what became of it.
func toldText(t *testing.T, text string, o Options) []string {
	t.Helper()
	r, err := Read(t.Context(), File{Name: "题库.txt", Raw: []byte(strings.TrimPrefix(text, "\n")), Format: Text}, o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	checkReport(t, r)
	out := outline(r)
	for _, s := range r.Skipped {
		out = append(out, "skipped "+s.Title)
	}
	return out
}

func TestTextLayouts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want []string
	}{
		"blocks, with and without empty lines": {`
禁毒知识题库

1.《禁毒法》自哪一天起施行（　）。

A. 2007年12月29日

B. 2008年6月1日

答案：B

2. 社区戒毒的期限是
A、一年
B、二年
C、三年
答案：C
解析：见《禁毒法》第三十三条。
`, []string{
			"3-9 single B 《禁毒法》自哪一天起施行（ ）。|2007年12月29日|2008年6月1日",
			"11-16 single C 社区戒毒的期限是|一年|二年|三年",
		}},
		"all on one line": {
			`1.社区戒毒期限为()。A.一年B.二年C.三年答案:C解析:法定期限。2.四禁包括()A.禁种B.禁制C.禁贩D.禁吸答案:ABCD3.强制隔离戒毒期限为()年A.一B.二答案:B`,
			[]string{
				"1-1 single C 社区戒毒期限为()。|一年|二年|三年",
				"1-1 multiple ABCD 四禁包括()|禁种|禁制|禁贩|禁吸",
				"1-1 single B 强制隔离戒毒期限为()年|一|二",
			},
		},
		"the key within the stem": {`
1.社区康复最长（ B ）。A.二年 B.三年
2、四禁是指（A、B、C）①禁种②禁制③禁贩 A.① B.② C.③
3.设立国家禁毒委员会的是（A C） A.国务院 B.法院 C.中央
4.戒毒治疗不得以__A__为目的。 A.营利 B.治病
`, []string{
			"1-1 single B 社区康复最长（ ）。|二年|三年",
			"2-2 multiple ABC 四禁是指（ ）①禁种②禁制③禁贩|①|②|③",
			"3-3 multiple AC 设立国家禁毒委员会的是（ ）|国务院|法院|中央",
			"4-4 single A 戒毒治疗不得以____为目的。|营利|治病",
		}},
		"letters in brackets that are no key": {`
1. 维生素（A）缺乏会导致（ ）
A. 夜盲
B. 近视
答案：A
2. 关于A型血（即A、B、O分类）的说法（ ）A.对 B.错 C.以上A、B都不对 答案：C
3. 编号(B)的文件(C)规定了什么
A. 甲
B. 乙
C. 丙
答案：A
`, []string{
			"1-4 single A 维生素（A）缺乏会导致（ ）|夜盲|近视",
			"5-5 single C 关于A型血（即A、B、O分类）的说法（ ）|对|错|以上A、B都不对",
			"6-10 refused single key_conflict",
		}},
		"judge marks in all places": {`
一、判断题
1. 拒绝吸毒检测的，可以强制检测。（√）
2. 邮政企业不必检查邮件（×）。
3、怀孕妇女不适用强制隔离戒毒( 对 )
4、（×）罂粟可以少量种植。
5. 戒毒人员就业不受歧视。 正确
6. 戒毒药品可以做广告。×
7. 吸毒只伤害自己。
答案：错误
8. 举报毒品犯罪受保护。
答案：T
9. 娱乐场所应当建立巡查制度（ ）
A. 错
B. 对
答案：B
10. 没有答案的一题（ ）
`, []string{
			"2-2 judge A 拒绝吸毒检测的，可以强制检测。|正确|错误",
			"3-3 judge B 邮政企业不必检查邮件。|正确|错误",
			"4-4 judge A 怀孕妇女不适用强制隔离戒毒|正确|错误",
			"5-5 judge B 罂粟可以少量种植。|正确|错误",
			"6-6 judge A 戒毒人员就业不受歧视。|正确|错误",
			"7-7 judge B 戒毒药品可以做广告。|正确|错误",
			"8-9 judge B 吸毒只伤害自己。|正确|错误",
			"10-11 judge A 举报毒品犯罪受保护。|正确|错误",
			"12-15 judge A 娱乐场所应当建立巡查制度（ ）|正确|错误",
			"16-16 refused judge key_missing",
		}},
		"two options that are no judgement": {`
1. 发现毒品原植物，任何人（ ）报告。
A. 可以
B. 应当
答案：B
2. 这样做合法吗？
A. 是
B. 否
答案：B
`, []string{"1-4 single B 发现毒品原植物，任何人（ ）报告。|可以|应当", "5-8 single B 这样做合法吗？|是|否"}},
		"labels of many kinds": {`
1. 甲题（ ）
A. 一 B. 二 C. 三
【答案】C
2. 乙题（ ）
A. 一 B. 二 C. 三
正确答案:A 分析:因为一。
3. 丙题（ ）
A. 一
B. 二
C. 三 \ans:ABC
4. 丁题（ ）
A. 一
B. 二
**答案：B**
5. 戊题（ ）
A. 一
B. 二
答案 A
6. 己题（ ）
A. 一
B. 二
我的答案: A 正确答案: B
知识点：法律
7. 庚题（ ）
A. 一
B. 二
C. 三
答案：B、二
8. 辛题（ ）
A. 一
B. 二
答案：二
9. 壬题（ ）
A. 一
B. 二
答案：B. 一
`, []string{
			"1-3 single C 甲题（ ）|一|二|三",
			"4-6 single A 乙题（ ）|一|二|三",
			"7-10 multiple ABC 丙题（ ）|一|二|三",
			"11-14 single B 丁题（ ）|一|二",
			"15-18 single A 戊题（ ）|一|二",
			"19-23 single B 己题（ ）|一|二",
			"24-28 single B 庚题（ ）|一|二|三",
			"29-32 single B 辛题（ ）|一|二",
			"33-36 refused single key_conflict",
		}},
		"tabs between options": {"1.\t甲题（\t）\nA.\t一\tB.\t二\nC.\t三\n【答案】C\n", []string{"1-4 single C 甲题（ ）|一|二|三"}},
		"keys before the numbers": {`
一、判断题
（√）1、社区戒毒的期限为三年。
(×)2、吸毒不违法。
√3. 禁毒人人有责。
（  ）4. 没有答案的一题。
二、选择题
（ B ）1. 社区康复最长几年？
A. 二 B. 三
`, []string{
			"2-2 judge A 社区戒毒的期限为三年。|正确|错误",
			"3-3 judge B 吸毒不违法。|正确|错误",
			"4-4 judge A 禁毒人人有责。|正确|错误",
			"5-5 refused judge key_missing",
			"7-8 single B 社区康复最长几年？|二|三",
		}},
		"ticks, and keys behind the options": {`
1. 社区康复最长几年？ [单选题] *
○二
○三(正确答案)
2. 下列属于毒品的有？ [多选题] *
□海洛因(正确答案)
□茶叶
□可卡因(正确答案)
3. 戊题
A. 一√
B. 二
4. 己题 A. 一 B. 二 【A】
5. 判断题应当怎样作答？
A. 打√
B. 打×
`, []string{
			"1-3 single B 社区康复最长几年？|二|三",
			"4-7 multiple AC 下列属于毒品的有？|海洛因|茶叶|可卡因",
			"8-10 single A 戊题|一|二",
			"11-11 single A 己题|一|二",
			"12-14 refused single key_missing",
		}},
		"labels instead of numbers": {`
题目：社区康复最长几年？
选项：A. 二 B. 三
答案：B
解析：第四十八条。

题目：四禁之一是？
选项：
A. 禁种
B. 禁酒
答案：A
`, []string{"1-4 single B 社区康复最长几年？|二|三", "6-10 single A 四禁之一是？|禁种|禁酒"}},
		"letters with nothing behind them": {`
1、四禁是（ABCD）
A禁吸 B禁贩 C禁种 D禁制
2、甲题
A一
B二
答案：A
`, []string{"1-2 multiple ABCD 四禁是（ ）|禁吸|禁贩|禁种|禁制", "3-6 single A 甲题|一|二"}},
		"lists that look like headings": {`
禁毒知识试题答案
一、
1. 下列说法正确的是（ ）
一、毒品有害
二、毒品无害
A. 一
B. 二
答案：A
解析：分两点：
一、有害身体；
二、有害家庭
2. 戒毒药品不得做广告。
答案：对
`, []string{
			`3-11 single A 下列说法正确的是（ ）\n一、毒品有害\n二、毒品无害|一|二`,
			"12-13 judge A 戒毒药品不得做广告。|正确|错误",
		}},
		"what an explanation concludes": {`
1. 甲题（ ）
A. 一
B. 二
解析：甲是二，故选B。
2. 乙题（ ）
A. 一
B. 二
答案：A
解析：乙是一，所以答案为A。
3. 丙题（ ）
A. 一
B. 二
答案：A
解析：丙是二，故选B。
4. 丁题（ ）A. 一 B. 二（答案：B）
5. 戊题（ ）
A. 一
B. 二
C. 三
答案：以上都对
`, []string{
			"1-4 single B 甲题（ ）|一|二",
			"5-9 single A 乙题（ ）|一|二",
			"10-14 refused single key_conflict",
			"15-15 single B 丁题（ ）|一|二",
			"16-20 multiple ABC 戊题（ ）|一|二|三",
		}},
		"numbers and letters in other clothes": {`
（1）甲题（ ）
（A）一 （B）二
答案：（B）
（2）乙题（ ）
[A]一
[B]二
答案：A
第3题 丙题（ ）
Ａ．一　Ｂ．二
答案：Ｂ
`, []string{
			"1-3 single B 甲题（ ）|一|二",
			"4-7 single A 乙题（ ）|一|二",
			"8-10 single B 丙题（ ）|一|二",
		}},
		"headings and tags give the type": {`
一、单项选择题（每题2分，共4分）
1. 甲题（ ）
A. 一
B. 二
答案：AB
二、多选题
1. 乙题（ ）
A. 一
B. 二
答案：A
2. 丙题（ ）
A. 一
B. 二
答案：AB
三、不定项选择题
1. 丁题（ ）
A. 一
B. 二
答案：A
四、混合
1.【判断题】戊题
答案：对
2.（多选，2分）己题
A. 一
B. 二
答案：A B
五、简答题
1. 庚题
答案：略
六、填空题
1. 辛题是____。
答案：略
`, []string{
			"2-5 refused single kind_mismatch",
			"7-10 refused multiple kind_mismatch",
			"11-14 multiple AB 丙题（ ）|一|二",
			"16-19 single A 丁题（ ）|一|二",
			"21-22 judge A 戊题|正确|错误",
			"23-26 multiple AB 己题|一|二",
			"28-29 refused essay type_unsupported",
			"31-32 refused short_answer type_unsupported",
		}},
		"text that looks like questions": {`
1. 甲题（ ）
A. 一
B. 二
答案：A
解析：理由有三：
1. 第一条；
2. 第二条；
3. 参见《禁毒法》第3.2条。答案：略。
2. 下列各项中，2.5克的是（ ）
A. 1.5
B. 2.0
答案：B
解析：
A. 一是错的。
B. 二是对的。
3. A 君的做法（ ）
A 一
B 二
C 三
答案 C
`, []string{
			"1-8 single A 甲题（ ）|一|二",
			"9-15 single B 下列各项中，2.5克的是（ ）|1.5|2.0",
			"16-20 single C A 君的做法（ ）|一|二|三",
		}},
		"options that are out of order": {`
1. 甲题（ ）
A. 一
B. 二
D. 四
答案：B
2. 乙题（ ）
A. 一
B. 二
B. 三
答案：A
3. 丙题（ ）
A. 一
B. 二
答案：C
4. 丁题（ ）
A. 一
B. 一
答案：A
5. （ ）
A. 一
B. 二
答案：A
6. 戊题（ ）
A. 一
答案：A
`, []string{
			"1-5 refused single option_order",
			"6-10 refused single option_order",
			"11-14 refused single key_beyond",
			"15-18 refused single option_twice",
			"19-22 refused single stem_missing",
			"23-25 refused single options_missing",
		}},
		"questions without numbers": {`
甲题是什么（ ）
A. 一
B. 二
答案：B
乙题是什么（ ）
A. 一
B. 二
答案：A
解析：因为一。

丙题是什么（ ）
A. 一
B. 二
答案：A
`, []string{
			"1-4 single B 甲题是什么（ ）|一|二",
			"5-9 single A 乙题是什么（ ）|一|二",
			"11-14 single A 丙题是什么（ ）|一|二",
		}},
		"lines that were wrapped": {`
1. 被强制隔离戒毒的人员在入所时应当
接受（ ）。
A. 健康检查和所携带物品的检
查
B. 罚款
答案：A
2. What does the
law say?
A. It is
forbidden
B. Nothing
Answer: A
`, []string{
			"1-6 single A 被强制隔离戒毒的人员在入所时应当接受（ ）。|健康检查和所携带物品的检查|罚款",
			"7-12 single A What does the law say?|It is forbidden|Nothing",
		}},
		"a text shared by two questions": {`
根据下列材料，完成1～2题。
小张在车站捡到一包“跳跳糖”。
1. 小张应当（ ）
A. 报警
B. 吃掉
答案：A
2. 它可能含有（ ）
A. 毒品
B. 盐
答案：A
3. 与材料无关的一题（ ）
A. 一
B. 二
答案：B
`, []string{
			`3-6 single A 小张在车站捡到一包“跳跳糖”。\n小张应当（ ）|报警|吃掉`,
			`7-10 single A 小张在车站捡到一包“跳跳糖”。\n它可能含有（ ）|毒品|盐`,
			"11-14 single B 与材料无关的一题（ ）|一|二",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, toldText(t, test.text, Options{})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
