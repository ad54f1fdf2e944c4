package apperr

// The messages of successful responses, as the API contract words them. They are
// Chinese in every language; an error also has an English sentence (see
// [Reason] and [Problem]).
const (
	MessageSuccess        = "success" // of routes that only read
	MessageWebhookCreated = "Webhook 创建成功"
	MessageWebhookUpdated = "更新成功"
	MessageWebhookDeleted = "删除成功" // not sent, because a 204 has no body
	MessageTestSent       = "测试请求已发送"
	MessageSecretRotated  = "密钥已轮换" // #nosec G101 -- a message, not a secret
	// MessageEventsAccepted means that the events are in the durable events queue.
	MessageEventsAccepted = "事件已接收"
	MessageLogResent      = "已重新投递"
)
