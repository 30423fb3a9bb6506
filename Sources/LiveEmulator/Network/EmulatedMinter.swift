// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

/// How a mint call over an emulated network ended.
enum MintOutcome: Sendable {
  case answered(MintAnswer)
  case timedOut
  case cancelled
}

/// Mints over an emulated network, with the bytes that an HTTP client would send and read.
struct EmulatedMinter: TokenMinter {
  let apiKey: Secret
  let exchange: @Sendable (Credential, [UInt8]) async -> MintOutcome

  func mint(_ request: TokenRequest) async throws(MintError) -> MintedToken {
    switch await exchange(.apiKey(apiKey), Self.body(of: request)) {
    case .answered(let answer): return try Self.token(from: answer)
    case .timedOut: throw MintError(.unreachable, message: "No answer in time.")
    case .cancelled: throw MintError(.cancelled, message: "The request was cancelled.")
    }
  }

  /// The request's JSON; nothing at all if it asks for nothing (live-api.md A.2).
  static func body(of request: TokenRequest) -> [UInt8] {
    var fields: [(name: StaticString, json: [UInt8])] = []
    if let uses = request.uses { fields.append(("uses", Array(String(uses).utf8))) }
    if let time = request.expireTime {
      fields.append(("expireTime", JSONValue.string(time.rfc3339).encoded()))
    }
    if let time = request.newSessionExpireTime {
      fields.append(("newSessionExpireTime", JSONValue.string(time.rfc3339).encoded()))
    }
    if let constraints = request.constraints {
      if !constraints.setup.isEmpty {
        fields.append(("bidiGenerateContentSetup", constraints.setup))
      }
      fields.append(("fieldMask", JSONValue.string(constraints.fieldMask).encoded()))
    }
    guard !fields.isEmpty else { return [] }
    var body: [UInt8] = []
    for field in fields {
      body += Array((body.isEmpty ? "{\"\(field.name)\":" : ",\"\(field.name)\":").utf8)
      body += field.json
    }
    body.append(UInt8(ascii: "}"))
    return body
  }

  private static func token(from answer: MintAnswer) throws(MintError) -> MintedToken {
    let json = try? JSONValue(decoding: answer.body)
    guard answer.status == 200 else {
      throw MintError(
        code(answer.status, json), message: "The service refused to mint.",
        httpStatus: answer.status, status: json?["error"]?["status"]?.stringValue)
    }
    guard let name = json?["name"]?.stringValue, !name.isEmpty else {
      throw MintError(
        .malformedResponse, message: "The answer names no token.", httpStatus: answer.status)
    }
    return MintedToken(name: Secret(name), serverDate: answer.date)
  }

  private static func code(_ status: Int, _ json: JSONValue?) -> MintError.Code {
    switch status {
    case 400:
      json?["error"]?["details"]?[0]?["reason"]?.stringValue == "API_KEY_INVALID"
        ? .keyRefused : .invalidRequest
    case 401, 403: .keyRefused
    case 404: .invalidRequest
    case 429: .quotaExceeded
    case 408, 500...599: .unavailable
    default: .malformedResponse
    }
  }
}
