// SPDX-License-Identifier: Apache-2.0

/// The HTTP body of a request for a token (`POST …/auth_tokens`).
public struct TokenRequestBody: Sendable, Hashable, Codable {
  /// New sessions that may be opened; 0 means no limit.
  public var uses: Int?
  /// When its messages end.
  public var expireTime: WallTime?
  /// When it stops opening new sessions.
  public var newSessionExpireTime: WallTime?
  /// The setup that the token pins.
  public var bidiGenerateContentSetup: Setup?
  /// Which fields it pins, names joined by commas.
  public var fieldMask: String?
  /// Members that are not in the schema. The service refuses a request that has any.
  public var unknownFields = JSONObject()

  /// A body that says nothing.
  public init() {}

  /// Reads a body. An empty one is an empty object: the Python SDK posts zero bytes when nothing is
  /// configured (live-api.md A.2).
  public init(decoding bytes: [UInt8]) throws(WireError) {
    self = bytes.isEmpty ? .blank : try Self.readWire(try JSONValue(decoding: bytes))
  }

  /// The request that this body makes.
  public var request: TokenRequest {
    var constraints: TokenConstraints?
    if bidiGenerateContentSetup != nil || fieldMask != nil {
      let setup = bidiGenerateContentSetup?.encodedMessage(expected: 1024) ?? []
      constraints = TokenConstraints(setup: setup, fieldMask: fieldMask ?? "")
    }
    return TokenRequest(
      uses: uses, expireTime: expireTime, newSessionExpireTime: newSessionExpireTime,
      constraints: constraints)
  }
}

extension TokenRequestBody: WireMessage {
  static var blank: TokenRequestBody { TokenRequestBody() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("uses", &uses)
    try visitor.field("expireTime", &expireTime)
    try visitor.field("newSessionExpireTime", &newSessionExpireTime)
    try visitor.field("bidiGenerateContentSetup", &bidiGenerateContentSetup)
    try visitor.nonEmpty("fieldMask", &fieldMask)
    try visitor.unknown(&unknownFields)
  }
}

extension TokenRequest {
  /// The longest that a token may live, and may open new sessions (live-api.md A.2): less than this.
  public static let lifetimeLimit: Duration = .seconds(20 * 3600)

  /// Refuses what the service would refuse, and a lock that would make resuming impossible.
  ///
  /// - Parameter now: the service's wall time as well as it is known.
  /// - Throws: ``MintError/Code/invalidRequest``, saying which limit is broken.
  public func validate(at now: WallTime) throws(MintError) {
    if let uses, uses < 0 || uses > Int(Int32.max) {
      throw Self.invalid("uses is \(uses); it must be 0 (no limit) or a positive 32-bit number")
    }
    let limit = now.advanced(by: Self.lifetimeLimit)
    for (name, time) in [
      ("expireTime", expireTime), ("newSessionExpireTime", newSessionExpireTime),
    ] {
      guard let time else { continue }
      if time >= limit { throw Self.invalid("\(name) is 20 hours or more ahead") }
      if time <= now { throw Self.invalid("\(name) is not in the future") }
    }
    guard let constraints else { return }
    let names = constraints.fieldMask.split(separator: ",")
    if names.isEmpty {
      throw Self.invalid("constraints without a field mask would replace every resumption handle")
    }
    let first = names.map { $0.split(separator: ".").first ?? "" }
    if first.contains(where: { $0 == "sessionResumption" || $0 == "session_resumption" }) {
      throw Self.invalid("a locked sessionResumption would replace every resumption handle")
    }
  }

  private static func invalid(_ message: String) -> MintError {
    MintError(.invalidRequest, message: message)
  }

  /// The HTTP body: compact JSON, times in UTC with `Z`.
  public func encodedBody() -> [UInt8] {
    let setup = constraints?.setup ?? []
    return ByteWriter.bytes(expected: 256 + setup.count) { writer in
      writer.object { writer in
        // Written by hand, since the setup is spliced in as it is.
        if let uses {
          writer.name("uses")
          uses.writeWire(to: &writer)
        }
        if let expireTime {
          writer.name("expireTime")
          expireTime.writeWire(to: &writer)
        }
        if let newSessionExpireTime {
          writer.name("newSessionExpireTime")
          newSessionExpireTime.writeWire(to: &writer)
        }
        if !setup.isEmpty {
          writer.name("bidiGenerateContentSetup")
          writer.raw(setup)
        }
        if let mask = constraints?.fieldMask, !mask.isEmpty {
          writer.name("fieldMask")
          writer.string(mask)
        }
      }
    }
  }
}
