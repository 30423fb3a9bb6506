// SPDX-License-Identifier: Apache-2.0

/// A message type of the protocol, described once: `visitFields` names each field, and the same
/// description reads it, writes it and tells which names exist.
protocol WireMessage: WireValue, Codable {
  /// A value with all fields absent; not always what the public initialiser makes.
  static var blank: Self { get }
  /// Shows each field to the visitor. `unknown` comes last.
  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError)
}

/// Reads, writes or lists the fields of a message.
protocol FieldVisitor {
  /// A field whose presence is a fact: nil is absent, everything else is written, zeros included.
  mutating func field<T: WireValue>(_ name: StaticString, _ value: inout T?) throws(WireError)
  /// A field whose zero means the same as absence, and is left out.
  mutating func field<T: WireValue>(_ name: StaticString, _ value: inout T) throws(WireError)
  /// A list that is written even when it is empty.
  mutating func presentList<T: WireValue>(_ name: StaticString, _ value: inout [T])
    throws(WireError)
  /// Bytes in base64.
  mutating func bytes(_ name: StaticString, _ value: inout [UInt8]) throws(WireError)
  /// Bytes in base64 whose presence is a fact.
  mutating func bytes(_ name: StaticString, _ value: inout [UInt8]?) throws(WireError)
  /// A field that says something by being present, as an empty object.
  mutating func mark(_ name: StaticString, _ value: inout Bool) throws(WireError)
  /// A field that is taken as absent if its value is malformed, so that the rest is not lost. The
  /// malformed value stays among the unknown fields.
  mutating func tolerant<T: WireValue>(_ name: StaticString, _ value: inout T?) throws(WireError)
  /// A field whose empty value means the same as absence, kept as nil.
  mutating func nonEmpty<T: WireValue>(_ name: StaticString, _ value: inout T?) throws(WireError)
  /// Another name of the field visited before, read if that one was absent and never written.
  mutating func alias<T: WireValue>(_ name: StaticString, _ value: inout T) throws(WireError)
  /// A group of fields that are seldom there.
  mutating func rarely<F: FieldGroup>(_ group: inout Rarely<F>) throws(WireError)
  /// Members that the schema does not name.
  mutating func unknown(_ members: inout JSONObject) throws(WireError)
}

extension WireMessage {
  static func readWire(_ json: JSONValue) throws(WireError) -> Self {
    guard case .object(let object) = json else { throw WireError(.typeMismatch) }
    return try read(object)
  }

  static func read(_ object: JSONObject) throws(WireError) -> Self {
    var message = blank
    var reader = FieldReader(object)
    try message.visitFields(&reader)
    return message
  }

  mutating func writeWire(to writer: inout ByteWriter) {
    writer.object { writer in
      // A writer never throws; a visitor that throws is one that reads.
      try? visitFields(&writer)
    }
  }

  var isWireDefault: Bool { false }

  /// Reads the message through ``JSONValue``, so that it means what its wire form means.
  public init(from decoder: any Decoder) throws {
    self = try Self.readWire(JSONValue(from: decoder))
  }

  /// Writes the message in its wire form.
  public func encode(to encoder: any Encoder) throws {
    try wireJSON().encode(to: encoder)
  }

  /// The message in its wire form: compact JSON, `expected` bytes or about that.
  func encodedMessage(expected: Int) -> [UInt8] {
    var copy = self
    return ByteWriter.bytes(expected: expected) { copy.writeWire(to: &$0) }
  }

  /// The wire form as a value.
  ///
  /// - Throws: ``WireError/Code/tooDeep`` if its owner nested it deeper than what is ever read.
  func wireJSON() throws(WireError) -> JSONValue {
    try JSONValue(decoding: encodedMessage(expected: 512))
  }

  /// The wire form as a value, for messages that were read and are therefore within the limits; null
  /// for one that is not.
  var json: JSONValue { (try? wireJSON()) ?? .null }
}
