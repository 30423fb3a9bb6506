// SPDX-License-Identifier: Apache-2.0

/// One turn, or a piece of one: who speaks, and what.
public struct Content: Sendable, Hashable, Codable {
  /// `user` or `model`. The service accepts turns without one.
  public var role: String?
  /// The pieces, in their order.
  public var parts: [Part]
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(role: String? = nil, parts: [Part] = []) {
    self.role = role
    self.parts = parts
  }
}

extension Content: WireMessage {
  static var blank: Content { Content() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("role", &role)
    try visitor.field("parts", &parts)
    try visitor.unknown(&unknownFields)
  }
}

/// Inline media bytes; base64 on the wire.
public struct Blob: Sendable, Hashable, Codable {
  /// Media type with parameters, such as `audio/pcm;rate=16000`.
  public var mimeType: String
  /// The raw bytes.
  public var data: [UInt8]
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(mimeType: String, data: [UInt8]) {
    self.mimeType = mimeType
    self.data = data
  }
}

extension Blob: WireMessage {
  static var blank: Blob { Blob(mimeType: "", data: []) }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("mimeType", &mimeType)
    try visitor.bytes("data", &data)
    try visitor.unknown(&unknownFields)
  }
}

/// A reference to an uploaded or public file.
public struct FileData: Sendable, Hashable, Codable {
  /// Media type of the file.
  public var mimeType: String?
  /// Where the file is.
  public var fileUri: String
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(mimeType: String? = nil, fileUri: String) {
    self.mimeType = mimeType
    self.fileUri = fileUri
  }
}

extension FileData: WireMessage {
  static var blank: FileData { FileData(fileUri: "") }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("mimeType", &mimeType)
    try visitor.field("fileUri", &fileUri)
    try visitor.unknown(&unknownFields)
  }
}
