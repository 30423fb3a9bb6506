// SPDX-License-Identifier: Apache-2.0

/// A call that the model asks for.
public struct FunctionCall: Sendable, Hashable, Codable {
  /// Names this call in its response and its cancellation. Vertex may leave it out.
  public var id: String?
  /// The declared function.
  public var name: String
  /// Arguments, an object by the declaration; free-form, never renamed.
  public var args: JSONValue?
  /// Pieces of arguments that are streamed, as the service sends them.
  public var partialArgs: JSONValue?
  /// Whether more of the same call follows.
  public var willContinue: Bool?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(
    id: String? = nil, name: String, args: JSONValue? = nil, partialArgs: JSONValue? = nil,
    willContinue: Bool? = nil
  ) {
    self.id = id
    self.name = name
    self.args = args
    self.partialArgs = partialArgs
    self.willContinue = willContinue
  }
}

extension FunctionCall: WireMessage {
  static var blank: FunctionCall { FunctionCall(name: "") }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("id", &id)
    try visitor.field("name", &name)
    try visitor.field("args", &args)
    try visitor.field("partialArgs", &partialArgs)
    try visitor.field("willContinue", &willContinue)
    try visitor.unknown(&unknownFields)
  }
}

/// The result of a call.
public struct FunctionResponse: Sendable, Hashable, Codable {
  /// The id of the call; required by the Developer API.
  public var id: String?
  /// The name of the function that was called.
  public var name: String
  /// The result. The service takes only an object and closes with 1007 otherwise (live-api.md C.2);
  /// by convention `output` or `result` for success, `error` for failure.
  public var response: JSONValue
  /// When the model takes note of it; only for non-blocking functions.
  public var scheduling: FunctionResponseScheduling?
  /// Whether more responses to the same call follow.
  public var willContinue: Bool?
  /// Media results.
  public var parts: [Part]
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(
    id: String? = nil, name: String, response: JSONValue = .null,
    scheduling: FunctionResponseScheduling? = nil, willContinue: Bool? = nil, parts: [Part] = []
  ) {
    self.id = id
    self.name = name
    self.response = response
    self.scheduling = scheduling
    self.willContinue = willContinue
    self.parts = parts
  }
}

extension FunctionResponse: WireMessage {
  static var blank: FunctionResponse { FunctionResponse(name: "") }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("id", &id)
    try visitor.field("name", &name)
    try visitor.field("response", &response)
    try visitor.field("scheduling", &scheduling)
    try visitor.field("willContinue", &willContinue)
    try visitor.field("parts", &parts)
    try visitor.unknown(&unknownFields)
  }
}

/// When the model takes note of the result of a non-blocking function.
public struct FunctionResponseScheduling: RawRepresentable, Sendable, Hashable, Codable {
  /// The name on the wire.
  public var rawValue: String
  /// Takes any name, known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// At once, breaking off what it says.
  public static let interrupt = FunctionResponseScheduling(rawValue: "INTERRUPT")
  /// When it has finished what it does; the default.
  public static let whenIdle = FunctionResponseScheduling(rawValue: "WHEN_IDLE")
  /// Never by itself: the result only becomes part of the context.
  public static let silent = FunctionResponseScheduling(rawValue: "SILENT")
}

extension FunctionResponseScheduling: OpenEnum {}
