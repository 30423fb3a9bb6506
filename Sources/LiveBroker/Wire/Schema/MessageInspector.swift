// SPDX-License-Identifier: Apache-2.0

extension Setup {
  /// Refuses what the service could not read: a number that does not fit the 32 bits that its field
  /// has on the wire. Values in range that make no sense are the service's to judge.
  ///
  /// A broker does this before it opens a session, and before it orders a token.
  ///
  /// - Throws: ``WireError/Code/outOfRange`` with the field's path, such as
  ///   `generationConfig.topK`.
  public func validate() throws(WireError) {
    var inspector = MessageInspector()
    inspector.visit(self, at: "")
    if let error = inspector.rangeError { throw error }
  }
}

extension ClientMessage {
  /// Refuses what the service could not read; see ``Setup/validate()``.
  ///
  /// - Throws: ``WireError/Code/outOfRange`` with the field's path.
  public func validate() throws(WireError) {
    if let error = inspected.rangeError { throw error }
  }

  /// What stands in the message that a service would refuse.
  var inspected: MessageInspector {
    var inspector = MessageInspector()
    switch self {
    case .setup(let setup): inspector.visit(setup, at: "setup")
    case .clientContent(let content): inspector.visit(content, at: "clientContent")
    case .realtimeInput(let input): inspector.visit(input, at: "realtimeInput")
    case .toolResponse(let response): inspector.visit(response, at: "toolResponse")
    case .contextUpdate(let update): inspector.visit(update, at: "contextUpdate")
    case .unknown: break
    }
    return inspector
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

/// Walks through a message and notes what a service would refuse of it.
struct MessageInspector: FieldVisitor {
  /// Members that the schema does not name.
  private(set) var unknownFields: [UnknownField] = []
  /// The first number that its field on the wire cannot hold.
  private(set) var rangeError: WireError?
  private var path = ""

  mutating func visit(_ message: some WireMessage, at step: String) {
    let outer = path
    path += path.isEmpty || step.hasPrefix("[") ? step : "." + step
    var copy = message
    // An inspector never throws: it notes.
    try? copy.visitFields(&self)
    path = outer
  }

  private mutating func descend(_ name: StaticString, _ value: some WireValue) {
    if let number = value as? Int {
      // Every `Int` of the schema is an int32; int64 fields are `Int64`.
      guard rangeError == nil, Int32(exactly: number) == nil else { return }
      rangeError = WireError(.outOfRange, path: path.isEmpty ? "\(name)" : "\(path).\(name)")
    } else if let message = value as? any WireMessage {
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
    unknownFields += members.members.map { UnknownField(name: $0.name, path: path) }
  }
}
