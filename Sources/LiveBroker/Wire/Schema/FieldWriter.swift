// SPDX-License-Identifier: Apache-2.0

/// Writes the fields of a message in one spelling: camelCase, standard base64, zeros left out.
struct FieldWriter: FieldVisitor {
  private(set) var writer: ByteWriter
  private var isFirst = true

  init(writer: ByteWriter) {
    self.writer = writer
    self.writer.raw(UInt8(ascii: "{"))
  }

  mutating func finish() { writer.raw(UInt8(ascii: "}")) }

  @inline(__always)
  private mutating func start(_ name: String) {
    if !isFirst { writer.raw(UInt8(ascii: ",")) }
    isFirst = false
    writer.name(name)
  }

  mutating func field<T: WireValue>(_ name: String, _ value: inout T?) throws(WireError) {
    guard let value else { return }
    start(name)
    value.writeWire(to: &writer)
  }

  mutating func field<T: WireValue>(_ name: String, _ value: inout T) throws(WireError) {
    guard !value.isWireDefault else { return }
    start(name)
    value.writeWire(to: &writer)
  }

  mutating func presentList<T: WireValue>(
    _ name: String, _ value: inout [T]
  ) throws(WireError) {
    start(name)
    value.writeWire(to: &writer)
  }

  mutating func bytes(_ name: String, _ value: inout [UInt8]) throws(WireError) {
    guard !value.isEmpty else { return }
    start(name)
    writer.base64(value)
  }

  mutating func bytes(_ name: String, _ value: inout [UInt8]?) throws(WireError) {
    guard let value else { return }
    start(name)
    writer.base64(value)
  }

  mutating func mark(_ name: String, _ value: inout Bool) throws(WireError) {
    guard value else { return }
    start(name)
    writer.raw("{}")
  }

  mutating func tolerant<T: WireValue>(_ name: String, _ value: inout T?) throws(WireError) {
    try field(name, &value)
  }

  mutating func nonEmpty<T: WireValue>(_ name: String, _ value: inout T?) throws(WireError) {
    if let value, !value.isWireDefault {
      start(name)
      value.writeWire(to: &writer)
    }
  }

  mutating func alias<T: WireValue>(_ name: String, _ value: inout T) throws(WireError) {}

  mutating func unknown(_ members: inout JSONObject) throws(WireError) {
    for member in members.members {
      if !isFirst { writer.raw(UInt8(ascii: ",")) }
      isFirst = false
      writer.string(member.name)
      writer.raw(UInt8(ascii: ":"))
      writer.value(member.value)
    }
  }
}
