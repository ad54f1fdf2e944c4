package attempt

import (
	"strings"

	"webhooks/shared/apperr/locale"
)

// Text returns the sentence that customers read, or an empty one for the empty
// Failure. An unknown Failure, which a newer release may have stored, reads like
// FailureInternal.
func (f Failure) Text() locale.Text {
	if f == "" {
		return locale.Text{}
	}
	base, number := f.split()
	text, known := texts[base]
	if !known {
		return texts[FailureInternal]
	}
	return locale.Text{
		Chinese: strings.ReplaceAll(text.Chinese, lineNumber, number),
		English: strings.ReplaceAll(text.English, lineNumber, number),
	}
}

// lineNumber stands for the number of a header line.
const lineNumber = "{line}"

// texts holds the sentence of every Failure. They are about the receiver's side, and
// say what to check. FailureRefused has that of FailureConnect: a difference between a
// refused and an unreachable address would reveal our network.
var texts = map[Failure]locale.Text{
	FailureDNS: {
		Chinese: "无法解析接收方的域名",
		English: "The receiver's host name could not be resolved",
	},
	FailureConnect: {
		Chinese: "无法连接到接收方",
		English: "No connection to the receiver could be made",
	},
	FailureRefused: {
		Chinese: "无法连接到接收方",
		English: "No connection to the receiver could be made",
	},
	FailureIPv6: {
		Chinese: "无法连接到接收方：接收方只有 IPv6 地址，而本服务只能访问 IPv4 地址",
		English: "No connection to the receiver could be made: it has only IPv6 addresses, and the service reaches IPv4 addresses only",
	},
	FailureSend: {
		Chinese: "接收方未在规定时间内读取完请求",
		English: "The receiver did not read the whole request in time",
	},
	FailureTimeout: {
		Chinese: "接收方未在规定时间内开始响应",
		English: "The receiver did not respond in time",
	},
	FailureReset: {
		Chinese: "接收方在响应完成之前断开了连接",
		English: "The receiver closed the connection before its response was complete",
	},
	FailureProtocol: {
		Chinese: "接收方返回的内容不是有效的 HTTP/1.1 响应：未能读取到状态码",
		English: "The receiver's answer was not a valid HTTP/1.1 response: no status could be read",
	},
	FailureURL: {
		Chinese: "该 URL 不符合要求，未发送请求",
		English: "The URL is not acceptable; no request was sent",
	},
	FailureInternal: {
		Chinese: "服务内部原因导致本次投递未完成",
		English: "The attempt was not completed for a reason on our side",
	},
	FailureHeld: {
		Chinese: "接收方连续多次失败，投递已暂缓，未发送请求；接收方恢复后会继续投递，否则在重试期限结束时再尝试最后一次",
		English: "The receiver failed many times in a row: the delivery is held back without a request, and goes on when the receiver has recovered, or with a last attempt when the time for retries is over",
	},
	FailurePaceFull: {
		Chinese: "等待投递的事件过多：按照当前的 rate_limit，在事件的保留期限内无法投递，未发送请求；请提高或取消 rate_limit，然后重新投递",
		English: "Too many events wait for the rate_limit: this one could not be delivered while it is kept, and no request was sent; raise or remove rate_limit, then resend",
	},

	FailureTLS: {
		Chinese: "与接收方的 TLS 握手失败：请检查证书的域名、有效期和证书链，并支持 TLS 1.2 或更高版本",
		English: "The TLS handshake with the receiver failed: check the certificate's name, validity and chain, and support TLS 1.2 or later",
	},
	FailureTLSTimeout: {
		Chinese: "与接收方的 TLS 握手未在规定时间内完成：请检查该端口是否提供 HTTPS，以及防火墙是否丢弃超过 1400 字节的 ClientHello",
		English: "The TLS handshake with the receiver was not complete in time: check that the port serves HTTPS, and that no firewall drops a ClientHello of more than 1,400 bytes",
	},
	FailureTLSClosed: {
		Chinese: "TLS 握手期间连接被断开：请检查该端口是否为此域名提供 HTTPS，以及防火墙是否丢弃超过 1400 字节的 ClientHello",
		English: "The connection was closed during the TLS handshake: check that the port serves HTTPS for this host name, and that no firewall drops a ClientHello of more than 1,400 bytes",
	},
	FailureTLSPlain: {
		Chinese: "与接收方的 TLS 握手失败：对方的应答不是 TLS，请检查该端口是否提供 HTTPS",
		English: "The TLS handshake with the receiver failed: the answer was not TLS; check that the port serves HTTPS",
	},
	FailureTLSVersion: {
		Chinese: "与接收方的 TLS 握手失败：没有共同的 TLS 版本或加密套件，请支持 TLS 1.2 或更高版本",
		English: "The TLS handshake with the receiver failed: there is no common version or cipher; support TLS 1.2 or later",
	},
	FailureTLSClientCert: {
		Chinese: "与接收方的 TLS 握手失败：接收方要求客户端证书，而本服务没有；请改为验证签名",
		English: "The TLS handshake with the receiver failed: it asks for a client certificate, which the service does not have; verify the signature instead",
	},
	FailureTLSName: {
		Chinese: "接收方的 TLS 证书不适用于该 URL 的域名",
		English: "The receiver's TLS certificate is not valid for the host name of the URL",
	},
	FailureTLSExpired: {
		Chinese: "接收方的 TLS 证书已过期或尚未生效",
		English: "The receiver's TLS certificate has expired or is not valid yet",
	},
	FailureTLSAuthority: {
		Chinese: "接收方的 TLS 证书不是由受信任的机构签发，或证书链不完整",
		English: "The receiver's TLS certificate is not from a trusted authority, or its chain is incomplete",
	},
	FailureTLSCertificate: {
		Chinese: "接收方的 TLS 证书无效：请检查其用途、签名算法和证书链",
		English: "The receiver's TLS certificate is not valid: check its usage, its signature algorithm and its chain",
	},

	FaultLine: {
		Chinese: "响应的第 " + lineNumber + " 行不是有效的响应头（第 1 行为状态行）",
		English: "Line " + lineNumber + " of the response is not a valid header line (line 1 is the status line)",
	},
	FaultHeaderSize: {
		Chinese: "响应头超过 64 KiB",
		English: "The header of the response is larger than 64 KiB",
	},
	FaultHeaderTimeout: {
		Chinese: "响应头未在规定时间内发送完毕",
		English: "The header of the response was not complete in time",
	},
	FaultContentLength: {
		Chinese: "响应头 Content-Length 无效或有多个不同的值",
		English: "The response's Content-Length is not a number, or there are several",
	},
	FaultTransferEncoding: {
		Chinese: "响应头 Transfer-Encoding 只能是 chunked，且仅用于 HTTP/1.1",
		English: "The response's Transfer-Encoding is not just \"chunked\", or is not in HTTP/1.1",
	},
	FaultChunk: {
		Chinese: "分块（chunked）响应体的格式错误",
		English: "The chunked body of the response is malformed",
	},
	FaultBodyTimeout: {
		Chinese: "响应体未在规定时间内发送完毕",
		English: "The body of the response was not complete in time",
	},
}
