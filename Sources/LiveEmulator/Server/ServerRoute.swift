// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import NIOHTTP1

/// The target of a request, cut into what routing needs. It may hold a credential: never described.
struct RequestTarget {
  /// Components of the path, percent-decoded, without the empty ones between two slashes.
  let path: [String]
  private let query: [(name: String, value: String)]

  init(_ uri: String) {
    let parts = uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    path = (parts.first ?? "").split(separator: "/").map(Self.decoded)
    query = (parts.count > 1 ? parts[1] : "").split(separator: "&").map { pair in
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (Self.decoded(sides[0]), sides.count > 1 ? Self.decoded(sides[1]) : "")
    }
  }

  /// The first value of a parameter that is not empty.
  func parameter(_ name: String) -> String? {
    query.first { $0.name == name && !$0.value.isEmpty }?.value
  }

  /// Percent-decoded; a percent sign that begins no code stands for itself.
  private static func decoded(_ text: Substring) -> String {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
        let high = Character(UnicodeScalar(bytes[index + 1])).hexDigitValue,
        let low = Character(UnicodeScalar(bytes[index + 2])).hexDigitValue
      {
        result.append(UInt8(high * 16 + low))
        index += 3
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}

/// What a request asks for.
enum ServerRoute: Equatable {
  /// `POST /{version}/auth_tokens`.
  case mint
  /// A socket, of a method that takes API keys or of one that takes tokens, in a version of the API.
  case socket(SocketMethod, version: String)
  /// `GET /emulator/report`.
  case report
  /// Nothing that the service has.
  case missing

  enum SocketMethod: String {
    case open = "BidiGenerateContent"
    case constrained = "BidiGenerateContentConstrained"
  }

  init(_ method: HTTPMethod, _ path: [String], servesV1: Bool) {
    func exists(_ version: Substring) -> Bool {
      version == "v1alpha" || version == "v1beta" || (servesV1 && version == "v1")
    }
    if method == .POST, path.count >= 2, path[path.count - 1] == "auth_tokens",
      exists(path[path.count - 2][...])
    {
      self = .mint
    } else if method == .GET, path.suffix(2) == ["emulator", "report"] {
      self = .report
    } else if method == .GET, let (socket, version) = Self.socketMethod(path, exists) {
      self = .socket(socket, version: version)
    } else {
      self = .missing
    }
  }

  /// Reads what stands behind `ws`, whatever stands before it [B.1]:
  ///
  ///     google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContent
  ///     google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent
  ///     google.firebase.vertexai.v1beta.GenerativeService/BidiGenerateContent/locations/…
  private static func socketMethod(
    _ path: [String], _ exists: (Substring) -> Bool
  ) -> (SocketMethod, version: String)? {
    guard let start = path.lastIndex(of: "ws") else { return nil }
    var rest = path[(start + 1)...]
    guard let service = rest.popFirst() else { return nil }
    let parts = service.split(separator: ".", omittingEmptySubsequences: false)
    if service.hasPrefix("google.ai.generativelanguage.") {
      guard parts.count == 6, exists(parts[3]), parts[4] == "GenerativeService", rest.isEmpty
      else { return nil }
      return SocketMethod(rawValue: String(parts[5])).map { ($0, String(parts[3])) }
    }
    guard parts.count == 5, isVersion(parts[3]),
      parts[4] == "GenerativeService" || parts[4] == "LlmBidiService",
      service.hasPrefix("google.cloud.aiplatform.")
        || service.hasPrefix("google.firebase.vertexai.")
    else { return nil }
    return rest.first.flatMap(SocketMethod.init(rawValue:)).map { ($0, String(parts[3])) }
  }

  /// Whether it looks like a version of a service whose versions are not played here: `v1beta1`.
  private static func isVersion(_ text: Substring) -> Bool {
    text.hasPrefix("v") && (2...16).contains(text.utf8.count)
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
  }
}

/// The credential of a request, in every form that SDKs and browsers use [B.2].
enum CredentialForm {
  /// What a request brings; the most specific form wins. `takesTokensInHeaders` false makes a token
  /// in a header count as none.
  static func credential(
    _ headers: HTTPHeaders, _ target: RequestTarget, takesTokensInHeaders: Bool
  ) -> Credential? {
    if let token = target.parameter("access_token") { return credential(token) }
    let key = headers.first(name: "x-goog-api-key").flatMap { $0.isEmpty ? nil : credential($0) }
    switch authorization(headers) ?? key {
    case .ephemeralToken where !takesTokensInHeaders: break
    case nil: break
    case let credential?: return credential
    }
    return target.parameter("key").map(credential(_:))
  }

  /// What stands behind `Token` or `Bearer`; other schemes are somebody else's. A bearer that is none
  /// of our tokens is an access token of Google Cloud.
  private static func authorization(_ headers: HTTPHeaders) -> Credential? {
    guard let value = headers.first(name: "authorization") else { return nil }
    let parts = value.split(separator: " ", maxSplits: 1)
    guard parts.count == 2 else { return nil }
    let credential = credential(String(parts[1]))
    switch (parts[0].lowercased(), credential) {
    case ("bearer", .apiKey(let token)): return .vertex(.accessToken(token))
    case ("bearer", _), ("token", _): return credential
    default: return nil
    }
  }

  private static func credential(_ text: String) -> Credential {
    text.hasPrefix("auth_tokens/") ? .ephemeralToken(Secret(text)) : .apiKey(Secret(text))
  }

  /// What the method makes of it: a key does not open the constrained method, and a token in the
  /// place of a key is no valid key [A.7].
  static func fitting(_ method: ServerRoute.SocketMethod, _ credential: Credential?) -> Credential?
  {
    switch (method, credential) {
    case (.constrained, .apiKey), (.constrained, .vertex): nil
    case (.open, .ephemeralToken(let name)): .apiKey(name)
    default: credential
    }
  }

  /// The kind of a credential in a word.
  static func word(_ credential: Credential?) -> String {
    switch credential {
    case nil: "none"
    case .apiKey: "key"
    case .ephemeralToken: "token"
    case .vertex: "access token"
    }
  }
}
#endif
