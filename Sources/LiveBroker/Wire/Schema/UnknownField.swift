// SPDX-License-Identifier: Apache-2.0

/// A member of a message that the schema does not name.
public struct UnknownField: Sendable, Hashable {
  /// Its name, as it came.
  public var name: String
  /// Path of the object that holds it, such as `setup.generationConfig`; empty for the message.
  public var path: String

  /// Makes a field from its parts.
  public init(name: String, path: String) {
    self.name = name
    self.path = path
  }
}

extension ClientMessage {
  /// Every member at any depth that the schema does not name, in the order of the schema.
  ///
  /// The service closes with 1007 (`Unknown name "…" at '…': Cannot find field.`) where this is not
  /// empty; this library itself keeps such members and goes on.
  public var unknownFields: [UnknownField] {
    var finder = UnknownFieldFinder()
    switch self {
    case .setup(let setup): finder.visit(setup, at: "setup")
    case .clientContent(let content): finder.visit(content, at: "clientContent")
    case .realtimeInput(let input): finder.visit(input, at: "realtimeInput")
    case .toolResponse(let response): finder.visit(response, at: "toolResponse")
    case .contextUpdate(let update): finder.visit(update, at: "contextUpdate")
    case .unknown(let json):
      let known = ["setup", "clientContent", "realtimeInput", "toolResponse", "contextUpdate"]
      for member in json.objectValue?.members ?? [] where !known.contains(member.name) {
        finder.note(member.name)
      }
    }
    return finder.found
  }
}

extension TokenRequestBody {
  /// Every member at any depth that the schema does not name; the service refuses a request that
  /// has one with 400 (live-api.md A.6).
  public var allUnknownFields: [UnknownField] {
    var finder = UnknownFieldFinder()
    finder.visit(self, at: "")
    return finder.found
  }
}

/// A value that holds messages without being one.
protocol MessageContainer {
  /// The messages, each with the step that leads to it.
  var messages: [(step: String, message: any WireMessage)] { get }
}

extension Array: MessageContainer where Element: WireMessage {
  var messages: [(step: String, message: any WireMessage)] {
    enumerated().map { ("[\($0)]", $1) }
  }
}

/// Walks through a message and notes what is unknown.
private struct UnknownFieldFinder: FieldVisitor {
  private(set) var found: [UnknownField] = []
  private var path = ""

  mutating func note(_ name: String) { found.append(UnknownField(name: name, path: path)) }

  mutating func visit(_ message: some WireMessage, at step: String) {
    let outer = path
    path += path.isEmpty || step.hasPrefix("[") ? step : "." + step
    var copy = message
    // A finder never throws.
    try? copy.visitFields(&self)
    path = outer
  }

  private mutating func descend(_ name: StaticString, _ value: some WireValue) {
    if let message = value as? any WireMessage {
      visit(message, at: name.description)
    } else if let container = value as? any MessageContainer {
      for (step, message) in container.messages { visit(message, at: name.description + step) }
    }
  }

  mutating func field<T: WireValue>(
    _ name: StaticString, _ value: inout T?
  ) throws(WireError) {
    if let value { descend(name, value) }
  }

  mutating func field<T: WireValue>(_ name: StaticString, _ value: inout T) throws(WireError) {
    descend(name, value)
  }

  mutating func presentList<T: WireValue>(
    _ name: StaticString, _ value: inout [T]
  ) throws(WireError) {
    descend(name, value)
  }

  mutating func tolerant<T: WireValue>(
    _ name: StaticString, _ value: inout T?
  ) throws(WireError) {
    try field(name, &value)
  }

  mutating func nonEmpty<T: WireValue>(
    _ name: StaticString, _ value: inout T?
  ) throws(WireError) {
    try field(name, &value)
  }

  mutating func bytes(_ name: StaticString, _ value: inout [UInt8]) throws(WireError) {}

  mutating func bytes(_ name: StaticString, _ value: inout [UInt8]?) throws(WireError) {}

  mutating func mark(_ name: StaticString, _ value: inout Bool) throws(WireError) {}

  mutating func alias<T: WireValue>(_ name: StaticString, _ value: inout T) throws(WireError) {}

  mutating func rarely<F: FieldGroup>(_ group: inout Rarely<F>) throws(WireError) {
    guard !group.isEmpty else { return }
    var fields = group.fields
    try fields.visitFields(&self)
  }

  mutating func unknown(_ members: inout JSONObject) throws(WireError) {
    for member in members.members { note(member.name) }
  }
}
