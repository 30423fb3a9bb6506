// SPDX-License-Identifier: Apache-2.0

extension MintedToken {
  /// Reads the body of a successful answer. Only `name` is used: the service sends nothing else
  /// (live-api.md A.5).
  ///
  /// - Throws: ``MintError/Code/malformedResponse`` without any part of the body.
  public init(decodingBody bytes: [UInt8], serverDate: WallTime? = nil) throws(MintError) {
    guard let json = try? JSONValue(decoding: bytes), let name = json["name"]?.stringValue,
      !name.isEmpty
    else {
      throw MintError(.malformedResponse, message: "the answer names no token", httpStatus: 200)
    }
    self.init(name: Secret(name), serverDate: serverDate)
  }

  /// The body by which an emulator answers.
  public var encodedBody: [UInt8] {
    ByteWriter.bytes(expected: 64) { writer in
      writer.object { writer in
        writer.name("name")
        name.withUnsafeBytes { writer.string(utf8: $0) }
      }
    }
  }
}

extension MintError {
  /// Reads a refusal: HTTP status and the standard error body, if there is one (live-api.md A.6).
  ///
  /// The service's message is kept, cut to a sane length, with anything taken out that looks like a
  /// credential or is one of `secrets`: a minter names its key.
  public init(
    httpStatus: Int, body: [UInt8], retryAfter: Duration? = nil, hiding secrets: [Secret] = []
  ) {
    let error = (try? JSONValue(decoding: body))?["error"]
    let message = error?["message"]?.stringValue?.withoutCredentials(secrets)
    self.init(
      Self.code(httpStatus: httpStatus, error: error), message: message ?? "HTTP \(httpStatus)",
      httpStatus: httpStatus, status: error?["status"]?.stringValue?.withoutCredentials(secrets),
      retryAfter: retryAfter)
  }

  private static func code(httpStatus: Int, error: JSONValue?) -> Code {
    switch httpStatus {
    case 400: return reasons(error).contains("API_KEY_INVALID") ? .keyRefused : .invalidRequest
    case 401, 403: return .keyRefused
    case 408, 500...599: return .unavailable
    case 429: return .quotaExceeded
    case 400...499: return .invalidRequest
    default: return .malformedResponse
    }
  }

  private static func reasons(_ error: JSONValue?) -> [String] {
    error?["details"]?.arrayValue?.compactMap { $0["reason"]?.stringValue } ?? []
  }
}
