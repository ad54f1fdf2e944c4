package apperr

import "webhooks/shared/apperr/locale"

// Problem says what is wrong with a field, from a closed list.
type Problem int

// The problems.
const (
	Required Problem = iota + 1
	Null
	NullDefault
	NullUpdate
	OtherID
	WrongType
	Unknown
	UnknownParameter
	Length
	ControlCharacters
	HiddenCharacters
	OutOfRange
	EmptyList
	UnknownEventType
	DuplicateEventType
	URLTooLong
	URLSyntax
	URLScheme
	URLUserInfo
	URLFragment
	URLHost
	URLPort
	URLAddress
	URLIPv6
	SecretEncoding
	SecretKeyLength
	SecretPrefix
	GivenTwice
	Blank
	IDSyntax
	KeyIDSyntax
	UnknownScope
	DuplicateScope
	TimeSyntax
	TimeRange
	NotOneOf
	NotQueueable
	TooDeep
	ListLength
	RateRange
	problemEnd
)

// text returns the sentence of p.
func (p Problem) text() locale.Text {
	if t, ok := problems[p]; ok {
		return t
	}
	return locale.Text{Chinese: "不正确", English: "is not acceptable"}
}

// problems holds the sentences of every problem. Nothing changes it.
var problems = map[Problem]locale.Text{
	Required:           {Chinese: "必填", English: "is required"},
	Null:               {Chinese: "不能为 null", English: "must not be null"},
	NullDefault:        {Chinese: "不能为 null：使用默认值请省略该字段", English: "must not be null; leave the field out for its default"},
	NullUpdate:         {Chinese: "不能为 null：不修改请省略该字段", English: "must not be null; leave the field out to keep its value"},
	OtherID:            {Chinese: "必须与路径中的编号一致，或省略该字段", English: "must be the id of the path; leave the field out otherwise"},
	WrongType:          {Chinese: "类型不正确，应为 %s", English: "has the wrong type, want %s"},
	UnknownParameter:   {Chinese: "未知参数", English: "is not a parameter of this route"},
	Unknown:            {Chinese: "未知字段", English: "is not a known field"},
	Length:             {Chinese: "长度必须为 %d 到 %d 个字符", English: "must have %d to %d characters"},
	ControlCharacters:  {Chinese: "不能包含控制字符、换行或改变文字方向的字符", English: "must not contain control characters, line breaks or characters that change the direction of text"},
	HiddenCharacters:   {Chinese: "只能包含可见字符，空格（U+0020）只能在它们之间", English: "must consist of visible characters, with spaces (U+0020) only between them"},
	OutOfRange:         {Chinese: "必须是 %d 到 %d 的整数", English: "must be an integer from %d to %d"},
	EmptyList:          {Chinese: "至少需要一项", English: "must have at least one entry"},
	UnknownEventType:   {Chinese: "不支持的事件类型：%s", English: "is not a known event type: %s"},
	DuplicateEventType: {Chinese: "事件类型重复：%s", English: "names an event type twice: %s"},
	URLTooLong:         {Chinese: "不能超过 2048 字节", English: "must not exceed 2048 bytes"},
	URLSyntax:          {Chinese: "不是有效的绝对 URL（不能包含空格、不可见字符、反斜杠或无效的 % 转义）", English: "is not a valid absolute URL (no spaces, invisible characters, backslashes or invalid % escapes)"},
	URLScheme:          {Chinese: "必须使用 https", English: "must use https"},
	URLUserInfo:        {Chinese: "不能包含用户名或密码", English: "must not contain a user name or password"},
	URLFragment:        {Chinese: "不能包含 # 片段", English: "must not contain a # fragment"},
	URLHost:            {Chinese: "缺少主机名或主机名无效", English: "has no host or an invalid one"},
	URLPort:            {Chinese: "端口不允许", English: "has a port that is not allowed"},
	URLAddress:         {Chinese: "必须指向公网地址", English: "must point to a public address"},
	URLIPv6:            {Chinese: "不能使用 IPv6 地址，本服务无法访问；请使用域名或 IPv4 地址", English: "must not have an IPv6 address, which this service cannot reach; give a name or an IPv4 address"},
	SecretPrefix:       {Chinese: "含有 whsec_ 但不在开头：请检查是否误粘贴了其他字符", English: "contains whsec_ after its beginning: remove what is in front of it"},
	SecretEncoding:     {Chinese: "以 whsec_ 开头时，其后必须是标准 base64", English: "must be standard base64 after whsec_"},
	SecretKeyLength:    {Chinese: "whsec_ 之后的密钥解码后必须为 24 到 64 字节", English: "must hold 24 to 64 bytes after whsec_"},
	GivenTwice:         {Chinese: "只能出现一次", English: "must be given once"},
	Blank:              {Chinese: "至少需要一个可见字符", English: "must have a visible character"},
	IDSyntax:           {Chinese: "必须是 1 到 64 个字母、数字、下划线或连字符", English: "must be 1 to 64 letters, digits, underscores or hyphens"},
	KeyIDSyntax:        {Chinese: "不是 API 密钥的编号", English: "is not the id of an API key"},
	UnknownScope:       {Chinese: "未知的权限：%s", English: "is not a known scope: %s"},
	DuplicateScope:     {Chinese: "权限重复：%s", English: "names a scope twice: %s"},
	TimeSyntax:         {Chinese: "必须是 2026-01-26T10:00:00Z 这样的时间：RFC 3339 格式，T 和 Z 大写，秒的小数最多 9 位，无闰秒，年份为 0001 至 9999", English: "must be a time such as 2026-01-26T10:00:00Z: RFC 3339 with capital T and Z, at most 9 digits after the second, no leap second, year 0001 to 9999"},
	TimeRange:          {Chinese: "必须晚于现在且早于 10000 年", English: "must be later than now and before the year 10000"},
	NotOneOf:           {Chinese: "必须是以下之一：%s", English: "must be one of %s"},
	ListLength:         {Chinese: "必须有 %d 到 %d 项", English: "must have %d to %d entries"},
	RateRange:          {Chinese: "必须是 %v 到 %v 的数字，或用 0 表示不限速", English: "must be a number from %v to %v, or 0 for no limit"},
	TooDeep:            {Chinese: "数组与对象的嵌套不能超过 %d 层", English: "must not nest arrays and objects deeper than %d levels"},
	NotQueueable:       {Chinese: "包含无法排队的字符 U+FFFE 或 U+FFFF，请使用 \\u 转义", English: "holds U+FFFE or U+FFFF unescaped, which a queue cannot carry; write \\ufffe or \\uffff"},
}
