// SPDX-License-Identifier: Apache-2.0

/// The members of a JSON object, in their order. Names are unique.
///
/// Names are compared by their bytes, as JSON does: two spellings that Unicode calls canonically
/// equivalent, and that `String` therefore takes for one, are two names.
public struct JSONObject: Sendable {
  /// One name and its value.
  public struct Member: Sendable, Hashable {
    /// The name, as it was spelled.
    public var name: String
    /// The value.
    public var value: JSONValue

    /// Makes a member from its parts.
    public init(name: String, value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  /// The members in their order.
  public private(set) var members: [Member]

  /// Objects up to this size are searched, larger ones indexed while they are built or compared.
  private static let searchLimit = 16

  /// Makes an object without members.
  public init() { members = [] }

  /// Makes an object; of members with the same name the last one counts.
  public init(_ elements: some Sequence<(String, JSONValue)>) {
    self.init(deduplicating: elements.map { Member(name: $0.0, value: $0.1) })
  }

  /// Takes the members of a parsed object; of members with the same name the last one counts.
  ///
  /// Work stays near-linear in their number, since a remote peer decides about it.
  init(deduplicating parsed: [Member]) {
    members = parsed
    guard parsed.count > 1, Self.hasDuplicates(parsed) else { return }
    var lastIndex: [[UInt8]: Int] = [:]
    for (index, member) in parsed.enumerated() { lastIndex[Array(member.name.utf8)] = index }
    members = parsed.enumerated().filter { lastIndex[Array($1.name.utf8)] == $0 }.map(\.element)
  }

  /// Equal strings are nearly always the same bytes, so these are looked at last.
  private static func isSame(_ name: String, _ other: String) -> Bool {
    name == other && name.utf8.elementsEqual(other.utf8)
  }

  private static func hasDuplicates(_ members: [Member]) -> Bool {
    if members.count > searchLimit {
      // Strings that are equal without being the same only cost the closer look that follows.
      return Set(members.lazy.map(\.name)).count != members.count
    }
    for index in members.indices.dropFirst() {
      for earlier in 0..<index where isSame(members[earlier].name, members[index].name) {
        return true
      }
    }
    return false
  }

  /// Whether there are no members.
  public var isEmpty: Bool { members.isEmpty }
  /// Number of members.
  public var count: Int { members.count }

  /// The value of a member. Setting appends a new one; setting nil removes it. Linear in the number
  /// of members.
  public subscript(name: String) -> JSONValue? {
    get { members.first { Self.isSame($0.name, name) }?.value }
    set {
      let index = members.firstIndex { Self.isSame($0.name, name) }
      switch (index, newValue) {
      case (let index?, let value?): members[index].value = value
      case (let index?, nil): members.remove(at: index)
      case (nil, let value?): members.append(Member(name: name, value: value))
      case (nil, nil): break
      }
    }
  }

  /// Takes the value at a position out, leaving null; for the decoder, which visits each once.
  mutating func take(at index: Int) -> JSONValue {
    var value = JSONValue.null
    swap(&value, &members[index].value)
    return value
  }

  /// Removes the members that are null.
  mutating func removeNulls() {
    members.removeAll { if case .null = $0.value { true } else { false } }
  }
}

extension JSONObject: Hashable {
  /// Whether both have the same members, in any order.
  public static func == (lhs: Self, rhs: Self) -> Bool {
    guard lhs.count == rhs.count else { return false }
    if zip(lhs.members, rhs.members).allSatisfy({ isSame($0.name, $1.name) && $0.value == $1.value }
    ) {
      return true
    }
    if lhs.count <= searchLimit {
      return lhs.members.allSatisfy { rhs[$0.name] == $0.value }
    }
    let index = Dictionary(
      rhs.members.lazy.map { (Array($0.name.utf8), $0.value) }, uniquingKeysWith: { $1 })
    return lhs.members.allSatisfy { index[Array($0.name.utf8)] == $0.value }
  }

  /// Independent of the order of members, as equality is.
  public func hash(into hasher: inout Hasher) {
    var sum = 0
    for member in members { sum &+= member.hashValue }
    hasher.combine(sum)
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// Makes an object; of equal names the last one counts.
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}
