// SPDX-License-Identifier: Apache-2.0

/// Lists the fields of a message: which names the schema knows, and which of them are set.
struct FieldLister: FieldVisitor {
  private var names: [StaticString] = []
  /// The known names, in the order of the schema.
  var known: [String] { names.map(\.description) }
  /// The names that would be written, in their order, unknown ones included.
  private(set) var present: [String] = []
  /// The type of the value of the wanted field.
  private(set) var foundType: (any WireValue.Type)?
  private let wanted: String?

  /// Lists the fields of `message`.
  init(_ message: some WireMessage, wanted: String? = nil) {
    self.wanted = wanted
    var copy = message
    // A lister never throws.
    try? copy.visitFields(&self)
  }

  private mutating func note<T: WireValue>(_ name: StaticString, _: T.Type, isPresent: Bool) {
    names.append(name)
    if isPresent { present.append(name.description) }
    if let wanted, FieldName.matches(wanted, name) { foundType = T.self }
  }

  /// The schema's spelling of a name in either spelling, if it is known.
  func canonicalName(of spelled: String) -> String? {
    names.first { FieldName.matches(spelled, $0) }?.description
  }

  mutating func field<T: WireValue>(
    _ name: StaticString, _ value: inout T?
  ) throws(WireError) {
    note(name, T.self, isPresent: value != nil)
  }

  mutating func field<T: WireValue>(_ name: StaticString, _ value: inout T) throws(WireError) {
    note(name, T.self, isPresent: !value.isWireDefault)
  }

  mutating func presentList<T: WireValue>(
    _ name: StaticString, _ value: inout [T]
  ) throws(WireError) {
    note(name, [T].self, isPresent: true)
  }

  mutating func bytes(_ name: StaticString, _ value: inout [UInt8]) throws(WireError) {
    note(name, String.self, isPresent: !value.isEmpty)
  }

  mutating func bytes(_ name: StaticString, _ value: inout [UInt8]?) throws(WireError) {
    note(name, String.self, isPresent: value != nil)
  }

  mutating func mark(_ name: StaticString, _ value: inout Bool) throws(WireError) {
    note(name, JSONObject.self, isPresent: value)
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

  mutating func alias<T: WireValue>(_ name: StaticString, _ value: inout T) throws(WireError) {}

  mutating func rarely<F: FieldGroup>(_ group: inout Rarely<F>) throws(WireError) {
    var fields = group.fields
    try fields.visitFields(&self)
  }

  mutating func unknown(_ members: inout JSONObject) throws(WireError) {
    present.append(contentsOf: members.members.map(\.name))
  }
}
