// SPDX-License-Identifier: Apache-2.0

extension JSONValue: Codable {
  /// Reads a value from any self-describing format.
  public init(from decoder: any Decoder) throws {
    if let container = try? decoder.container(keyedBy: Name.self) {
      var members: [JSONObject.Member] = []
      for key in container.allKeys {
        let value = try container.decode(JSONValue.self, forKey: key)
        members.append(.init(name: key.stringValue, value: value))
      }
      // A keyed container has no order of its own; sorted, the result does not depend on hashing.
      members.sort { $0.name < $1.name }
      self = .object(JSONObject(deduplicating: members))
    } else if var container = try? decoder.unkeyedContainer() {
      var elements: [JSONValue] = []
      while !container.isAtEnd { elements.append(try container.decode(JSONValue.self)) }
      self = .array(elements)
    } else {
      self = try Self.scalar(decoder.singleValueContainer())
    }
  }

  private static func scalar(_ container: any SingleValueDecodingContainer) throws -> JSONValue {
    if container.decodeNil() { return .null }
    if let value = try? container.decode(Bool.self) { return .bool(value) }
    if let value = try? container.decode(Int64.self) { return .integer(value) }
    if let value = try? container.decode(Double.self) { return .number(value) }
    return .string(try container.decode(String.self))
  }

  /// Writes the value to any self-describing format.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .object(let object):
      var container = encoder.container(keyedBy: Name.self)
      for member in object.members {
        try container.encode(member.value, forKey: Name(stringValue: member.name))
      }
    case .array(let elements):
      var container = encoder.unkeyedContainer()
      for element in elements { try container.encode(element) }
    case .null: try encodeSingle(to: encoder) { try $0.encodeNil() }
    case .bool(let value): try encodeSingle(to: encoder) { try $0.encode(value) }
    case .integer(let value): try encodeSingle(to: encoder) { try $0.encode(value) }
    case .number(let value): try encodeSingle(to: encoder) { try $0.encode(value) }
    case .string(let value): try encodeSingle(to: encoder) { try $0.encode(value) }
    }
  }

  private func encodeSingle(
    to encoder: any Encoder, _ body: (inout any SingleValueEncodingContainer) throws -> Void
  ) rethrows {
    var container = encoder.singleValueContainer()
    try body(&container)
  }

  private struct Name: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}

extension JSONObject: Codable {
  /// Reads an object from any self-describing format; anything else is a `DecodingError`.
  public init(from decoder: any Decoder) throws {
    guard case .object(let object) = try JSONValue(from: decoder) else {
      throw DecodingError.typeMismatch(
        JSONObject.self,
        .init(codingPath: decoder.codingPath, debugDescription: "not an object"))
    }
    self = object
  }

  /// Writes the object to any self-describing format.
  public func encode(to encoder: any Encoder) throws {
    try JSONValue.object(self).encode(to: encoder)
  }
}
