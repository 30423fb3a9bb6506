// SPDX-License-Identifier: Apache-2.0

/// Writes the fields of a message in one spelling: camelCase, standard base64, zeros left out.
extension ByteWriter: FieldVisitor {
  mutating func field<T: WireValue>(
    _ name: StaticString, _ value: inout T?
  ) throws(WireError) {
    // A pattern, since `!= nil` on a generic optional copies the message to compare it.
    if case .none = value { return }
    self.name(name)
    value?.writeWire(to: &self)
  }

  mutating func field<T: WireValue>(_ name: StaticString, _ value: inout T) throws(WireError) {
    guard !value.isWireDefault else { return }
    self.name(name)
    value.writeWire(to: &self)
  }

  mutating func presentList<T: WireValue>(
    _ name: StaticString, _ value: inout [T]
  ) throws(WireError) {
    self.name(name)
    value.writeWire(to: &self)
  }

  mutating func bytes(_ name: StaticString, _ value: inout [UInt8]) throws(WireError) {
    guard !value.isEmpty else { return }
    self.name(name)
    base64(value)
  }

  mutating func bytes(_ name: StaticString, _ value: inout [UInt8]?) throws(WireError) {
    guard let value else { return }
    self.name(name)
    base64(value)
  }

  mutating func mark(_ name: StaticString, _ value: inout Bool) throws(WireError) {
    guard value else { return }
    self.name(name)
    raw("{}")
  }

  mutating func tolerant<T: WireValue>(
    _ name: StaticString, _ value: inout T?
  ) throws(WireError) {
    try field(name, &value)
  }

  mutating func nonEmpty<T: WireValue>(
    _ name: StaticString, _ value: inout T?
  ) throws(WireError) {
    if value?.isWireDefault == false { try field(name, &value) }
  }

  mutating func alias<T: WireValue>(_ name: StaticString, _ value: inout T) throws(WireError) {}

  mutating func rarely<F: FieldGroup>(_ group: inout Rarely<F>) throws(WireError) {
    guard !group.isEmpty else { return }
    var fields = group.fields
    try fields.visitFields(&self)
  }

  mutating func unknown(_ members: inout JSONObject) throws(WireError) {
    if !members.isEmpty { self.members(of: members) }
  }
}
