// SPDX-License-Identifier: Apache-2.0

/// A group of fields of a message that most messages do not use.
protocol FieldGroup: Sendable, Hashable {
  init()
  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError)
}

/// Keeps a group of seldom used fields out of line, so that the messages of every 20 milliseconds
/// are small values: a pointer instead of hundreds of bytes to move and to look through.
struct Rarely<Fields: FieldGroup>: Sendable {
  private final class Box: Sendable {
    let fields: Fields
    init(_ fields: Fields) { self.fields = fields }
  }

  private var box: Box?

  init() {}

  /// Whether all fields of the group are absent.
  var isEmpty: Bool { box == nil }

  /// One field of the group, or nil if the group is absent; looks at it in place.
  @inline(__always)
  func read<T>(_ field: (Fields) -> T?) -> T? {
    guard let box else { return nil }
    return field(box.fields)
  }

  /// The group. Setting costs an allocation unless all of its fields are absent.
  var fields: Fields {
    get { box?.fields ?? Fields() }
    set { box = newValue == Fields() ? nil : Box(newValue) }
  }
}

extension Rarely: Hashable {
  static func == (lhs: Self, rhs: Self) -> Bool {
    lhs.box === rhs.box || lhs.fields == rhs.fields
  }

  func hash(into hasher: inout Hasher) { hasher.combine(fields) }
}
