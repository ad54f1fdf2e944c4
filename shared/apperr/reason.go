package apperr

import "webhooks/shared/apperr/locale"

// Reason is the code in the envelope of an error: the HTTP status followed by two
// digits. A code never changes its meaning.
type Reason int

// The reasons. functions/README.md lists them for callers.
const (
	InvalidJSON      Reason = 40001
	InvalidFields    Reason = 40002
	NothingToUpdate  Reason = 40003
	InvalidWebhookID Reason = 40004
	UnreadableQuery  Reason = 40005
	InvalidLogID     Reason = 40006

	NotAuthenticated Reason = 40101

	MissingScope Reason = 40301

	WebhookNotFound Reason = 40401
	RouteNotFound   Reason = 40402
	LogNotFound     Reason = 40403

	WrongMethod Reason = 40501

	ChangedMeanwhile Reason = 40901
	TooManyWebhooks  Reason = 40902
	EventConflict    Reason = 40903
	WebhookDisabled  Reason = 40904
	EventExpired     Reason = 40905
	TooManySecrets   Reason = 40906
	TooManyForHost   Reason = 40907

	BodyTooLarge  Reason = 41301
	DataTooLarge  Reason = 41302
	TooManyEvents Reason = 41303

	UnsupportedCoding Reason = 41501

	TestedTooOften   Reason = 42901
	TestUnderWay     Reason = 42902
	PublishedTooFast Reason = 42903

	InternalError Reason = 50001

	TemporarilyUnavailable Reason = 50301
)

type entry struct {
	code Code
	text locale.Text
}

// entry returns the row of r, or that of InternalError for an unknown r.
func (r Reason) entry() entry {
	if e, ok := reasons[r]; ok {
		return e
	}
	return reasons[InternalError]
}

// Reasons returns every reason and its code. Tests compare it with the OpenAPI
// document and with functions/README.md.
func Reasons() map[Reason]Code {
	codes := make(map[Reason]Code)
	for r, e := range reasons {
		codes[r] = e.code
	}
	return codes
}

// reasons holds the code and the sentences of every reason. Nothing changes it.
var reasons = map[Reason]entry{
	InvalidJSON:            {Invalid, locale.Text{Chinese: "请求体必须是一个有效的 JSON 对象（UTF-8 编码，无重复字段）：%s", English: "The body must be one valid JSON object in UTF-8 without duplicate names: %s"}},
	InvalidFields:          {Invalid, locale.Text{Chinese: "请求参数不正确，详见 errors", English: "Some fields are not acceptable; see errors"}},
	NothingToUpdate:        {Invalid, locale.Text{Chinese: "没有要更新的字段：请至少提供 name、url、secret、events、enabled、rate_limit 之一", English: "Nothing to update: give at least one of name, url, secret, events, enabled, rate_limit"}},
	InvalidWebhookID:       {Invalid, locale.Text{Chinese: "webhook_id 必须是正整数", English: "webhook_id must be a positive integer"}},
	UnreadableQuery:        {Invalid, locale.Text{Chinese: "查询字符串无法解析", English: "The query string cannot be parsed"}},
	InvalidLogID:           {Invalid, locale.Text{Chinese: "log_id 必须是正整数", English: "log_id must be a positive integer"}},
	NotAuthenticated:       {Unauthenticated, locale.Text{Chinese: "未认证：请在 Authorization 头中提供 Bearer 令牌（API 密钥或 JWT）", English: "Not authenticated: send an API key or a JWT as Authorization: Bearer"}},
	MissingScope:           {Forbidden, locale.Text{Chinese: "没有权限：访问令牌缺少 %s", English: "Not allowed: the token lacks the scope %s"}},
	WebhookNotFound:        {NotFound, locale.Text{Chinese: "Webhook 不存在", English: "There is no such webhook"}},
	RouteNotFound:          {NotFound, locale.Text{Chinese: "接口不存在：%s", English: "There is no such route: %s"}},
	LogNotFound:            {NotFound, locale.Text{Chinese: "日志不存在或已过期", English: "There is no such log, or no longer"}},
	WrongMethod:            {MethodNotAllowed, locale.Text{Chinese: "该接口不支持 %s 方法，支持：%s", English: "This route does not take %s; it takes %s"}},
	ChangedMeanwhile:       {Conflict, locale.Text{Chinese: "Webhook 同时被其他请求修改，请重试", English: "Webhooks were changed by other requests at the same time; try again"}},
	TooManyWebhooks:        {Conflict, locale.Text{Chinese: "Webhook 数量已达上限 %d 个，请先删除不用的", English: "The limit of %d webhooks is reached; delete one first"}},
	EventConflict:          {Conflict, locale.Text{Chinese: "ID 为 %s 的事件已存在且内容不同，请为每个事件使用不同的 ID", English: "Another event has the id %s; give every event an id of its own"}},
	WebhookDisabled:        {Conflict, locale.Text{Chinese: "Webhook 已停用，请先启用再重新投递", English: "The webhook is disabled; enable it before you resend"}},
	EventExpired:           {Conflict, locale.Text{Chinese: "该事件已过期或不可重新投递", English: "The event has expired or cannot be sent again"}},
	TooManySecrets:         {Conflict, locale.Text{Chinese: "已有 %d 个旧密钥仍在签名，最早的到 %s 失效：请届时再更换，或以 overlap_days 为 0 轮换，使旧密钥立即失效", English: "%d replaced secrets still sign, the first of them until %s; replace the secret then, or rotate it with overlap_days 0, which ends the others at once"}},
	TooManyForHost:         {Conflict, locale.Text{Chinese: "已有 %d 个 Webhook 使用主机 %s，达到上限：请先删除其中一个或修改其 URL", English: "%d webhooks have the host %s, which is the limit; delete one of them or change its URL first"}},
	BodyTooLarge:           {TooLarge, locale.Text{Chinese: "请求体不能超过 %d 字节", English: "The body must not exceed %d bytes"}},
	DataTooLarge:           {TooLarge, locale.Text{Chinese: "事件的 data 不能超过 %d 字节", English: "The data of an event must not exceed %d bytes"}},
	TooManyEvents:          {TooLarge, locale.Text{Chinese: "一次请求最多发布 %d 个事件，请分成多个请求", English: "A request may publish at most %d events; send them in several requests"}},
	UnsupportedCoding:      {Unsupported, locale.Text{Chinese: "不支持 Content-Encoding %s：请发送未压缩的请求体", English: "The content coding %s is not supported; send the body without compression"}},
	TestedTooOften:         {RateLimited, locale.Text{Chinese: "测试过于频繁，请 %d 秒后重试", English: "Tested too often; try again in %d seconds"}},
	TestUnderWay:           {RateLimited, locale.Text{Chinese: "同一租户的另一个测试正在进行，请 %d 秒后重试", English: "Another test of your tenant is under way; try again in %d seconds"}},
	PublishedTooFast:       {RateLimited, locale.Text{Chinese: "发布事件过快，请 %d 秒后重试", English: "Events are published too fast; try again in %d seconds"}},
	InternalError:          {Internal, locale.Text{Chinese: "服务内部错误，请稍后重试", English: "Internal error; try again later"}},
	TemporarilyUnavailable: {Unavailable, locale.Text{Chinese: "服务暂时不可用，请稍后重试", English: "Temporarily unavailable; try again later"}},
}
