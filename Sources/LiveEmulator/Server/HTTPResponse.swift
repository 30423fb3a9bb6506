// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import NIOHTTP1

/// A whole answer of the server's HTTP side.
struct HTTPResponse {
  var head: HTTPResponseHead
  var body: [UInt8] = []

  /// An answer without a body.
  init(_ status: Int, headers: HTTPHeaders = [:]) {
    head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
    head.headers.replaceOrAdd(name: "Content-Length", value: "0")
  }

  /// An answer with JSON, or with the plain text that stands for it.
  init(_ status: Int, json: [UInt8], date: WallTime? = nil) {
    let isJSON = json.first == UInt8(ascii: "{")
    let type = isJSON ? "application/json; charset=UTF-8" : "text/plain; charset=UTF-8"
    head = HTTPResponseHead(
      version: .http1_1, status: .init(statusCode: status),
      headers: ["Content-Type": type, "Content-Length": "\(json.count)"])
    if let date { head.headers.add(name: "Date", value: date.httpDate) }
    body = json
  }

  /// The head of a long answer, whose body follows in pieces and ends the connection. The encoder
  /// makes chunks of them for every client that knows chunks, which one of HTTP/1.0 does not.
  static func longJSON(_ date: WallTime, to version: HTTPVersion) -> HTTPResponseHead {
    HTTPResponseHead(
      version: version == .http1_0 ? .http1_0 : .http1_1, status: .ok,
      headers: [
        "Content-Type": "application/json; charset=UTF-8", "Connection": "close",
        "Date": date.httpDate,
      ])
  }

  /// A refused upgrade, in the service's words.
  init(upgradeRefused status: Int, retryAfter: Duration?) {
    let body =
      switch status {
      case 429: MintRefusal.quota
      case 500: MintRefusal.internalError
      case 503: MintRefusal.unavailable
      default: MintRefusal.body(status, "UNKNOWN", "The upgrade was refused.")
      }
    self.init(status, json: body)
    if let retryAfter {
      let seconds = (max(0, retryAfter.nanoseconds) + 999_999_999) / 1_000_000_000
      head.headers.add(name: "Retry-After", value: "\(seconds)")
    }
  }

  /// 101 for this key.
  static func accepting(_ key: String) -> HTTPResponseHead {
    HTTPResponseHead(
      version: .http1_1, status: .switchingProtocols,
      headers: [
        "Upgrade": "websocket", "Connection": "Upgrade",
        "Sec-WebSocket-Accept": WebSocketAccept.value(for: key),
      ])
  }
}
#endif
