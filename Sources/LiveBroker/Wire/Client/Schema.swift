// SPDX-License-Identifier: Apache-2.0

/// The type of a function's parameter or result, in the API's subset of OpenAPI.
public struct Schema: Sendable, Hashable, Codable {
  /// A named member of an object. The name is the declarer's own and never renamed.
  public struct Property: Sendable, Hashable {
    /// The member's name.
    public var name: String
    /// The member's type.
    public var schema: Schema

    /// Makes a property from its parts.
    public init(_ name: String, _ schema: Schema) {
      self.name = name
      self.schema = schema
    }
  }

  /// What kind of value it is.
  public var type: SchemaType?
  /// Refines the type, such as `int32` or `date-time`.
  public var format: String?
  /// A short name for people.
  public var title: String?
  /// What it means; the model reads this.
  public var description: String?
  /// Whether null is allowed.
  public var nullable: Bool?
  /// The allowed texts.
  public var `enum`: [String]
  /// Members of an object.
  public var properties: [Property]
  /// Names of members that must be there.
  public var required: [String]
  /// The order in which the model writes the members.
  public var propertyOrdering: [String]
  /// Alternatives.
  public var anyOf: [Schema]
  /// Least and greatest number.
  public var minimum: Double?
  /// Greatest number.
  public var maximum: Double?
  /// Fewest elements of a list.
  public var minItems: Int64?
  /// Most elements of a list.
  public var maxItems: Int64?
  /// Shortest text.
  public var minLength: Int64?
  /// Longest text.
  public var maxLength: Int64?
  /// Fewest members of an object.
  public var minProperties: Int64?
  /// Most members of an object.
  public var maxProperties: Int64?
  /// A regular expression for text.
  public var pattern: String?
  /// An example, free-form.
  public var example: JSONValue?
  /// The default, free-form.
  public var `default`: JSONValue?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()
  // An array is the indirection that a recursive struct needs; it holds at most one element.
  private var itemSchemas: [Schema]

  /// The type of a list's elements.
  public var items: Schema? {
    get { itemSchemas.first }
    set { itemSchemas = newValue.map { [$0] } ?? [] }
  }

  /// Makes a schema from its most common parts; the others are properties.
  public init(
    type: SchemaType? = nil, description: String? = nil, enum: [String] = [],
    properties: [Property] = [], required: [String] = [], items: Schema? = nil
  ) {
    self.type = type
    self.description = description
    self.enum = `enum`
    self.properties = properties
    self.required = required
    propertyOrdering = []
    anyOf = []
    itemSchemas = items.map { [$0] } ?? []
  }
}

/// What kind of value a schema describes.
public struct SchemaType: RawRepresentable, Sendable, Hashable, Codable {
  /// The name on the wire.
  public var rawValue: String
  /// Takes any name, known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Text.
  public static let string = SchemaType(rawValue: "STRING")
  /// A number.
  public static let number = SchemaType(rawValue: "NUMBER")
  /// A number without a fraction.
  public static let integer = SchemaType(rawValue: "INTEGER")
  /// True or false.
  public static let boolean = SchemaType(rawValue: "BOOLEAN")
  /// A list.
  public static let array = SchemaType(rawValue: "ARRAY")
  /// Named members.
  public static let object = SchemaType(rawValue: "OBJECT")
  /// Only null.
  public static let null = SchemaType(rawValue: "NULL")
}

extension SchemaType: OpenEnum {}

extension Schema: WireMessage {
  static var blank: Schema { Schema() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("type", &type)
    try visitor.field("format", &format)
    try visitor.field("title", &title)
    try visitor.field("description", &description)
    try visitor.field("nullable", &nullable)
    try visitor.field("enum", &self.enum)
    var map = PropertyMap(properties: properties)
    try visitor.field("properties", &map)
    properties = map.properties
    try visitor.field("required", &required)
    try visitor.field("propertyOrdering", &propertyOrdering)
    try visitor.field("items", &items)
    try visitor.field("anyOf", &anyOf)
    try visitor.field("minimum", &minimum)
    try visitor.field("maximum", &maximum)
    try visitor.field("minItems", &minItems)
    try visitor.field("maxItems", &maxItems)
    try visitor.field("minLength", &minLength)
    try visitor.field("maxLength", &maxLength)
    try visitor.field("minProperties", &minProperties)
    try visitor.field("maxProperties", &maxProperties)
    try visitor.field("pattern", &pattern)
    try visitor.field("example", &example)
    try visitor.field("default", &self.default)
    try visitor.unknown(&unknownFields)
  }
}

/// Properties as they stand on the wire: an object whose keys are free and whose values are schemas.
private struct PropertyMap: WireValue {
  var properties: [Schema.Property]

  static func readWire(_ json: JSONValue) throws(WireError) -> PropertyMap {
    var map = PropertyMap(properties: [])
    for member in try JSONObject.readWire(json).members {
      map.properties.append(.init(member.name, try Schema.readWire(member.value)))
    }
    return map
  }

  func writeWire(to writer: inout ByteWriter) {
    writer.object { writer in
      for property in properties {
        writer.separateMember()
        writer.string(property.name)
        writer.raw(UInt8(ascii: ":"))
        var schema = property.schema
        schema.writeWire(to: &writer)
      }
    }
  }

  var isWireDefault: Bool { properties.isEmpty }
}

extension PropertyMap: MessageContainer {
  var messages: [(step: String, message: any WireMessage)] {
    // The name is the declarer's own and stays out of paths.
    properties.enumerated().map { ("[\($0)]", $1.schema) }
  }
}
