// SPDX-License-Identifier: Apache-2.0

/// Ordered turns, appended to the history. Always interrupts a running generation.
public struct ClientContent: Sendable, Hashable, Codable {
  /// The turns.
  public var turns: [Content]
  /// Whether the model shall answer now; false means that more follows.
  public var turnComplete: Bool
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(turns: [Content] = [], turnComplete: Bool = false) {
    self.turns = turns
    self.turnComplete = turnComplete
  }
}

extension ClientContent: WireMessage {
  static var blank: ClientContent { ClientContent() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("turns", &turns)
    try visitor.field("turnComplete", &turnComplete)
    try visitor.unknown(&unknownFields)
  }
}

/// Streamed input. SDKs put one field into a message; the schema allows several.
public struct RealtimeInput: Sendable, Hashable, Codable {
  /// 16-bit little-endian mono PCM, such as `audio/pcm;rate=16000`.
  public var audio: Blob?
  /// One frame, JPEG or PNG.
  public var video: Blob?
  /// Text that counts as a turn of its own.
  public var text: String?
  /// The user begins; only with automatic detection disabled.
  public var activityStart: Bool
  /// The user ends; only with automatic detection disabled.
  public var activityEnd: Bool
  /// The microphone is off; only with automatic detection.
  public var audioStreamEnd: Bool?
  /// Deprecated: only the first entry is used by the service.
  public var mediaChunks: [Blob]
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(
    audio: Blob? = nil, video: Blob? = nil, text: String? = nil, activityStart: Bool = false,
    activityEnd: Bool = false, audioStreamEnd: Bool? = nil, mediaChunks: [Blob] = []
  ) {
    self.audio = audio
    self.video = video
    self.text = text
    self.activityStart = activityStart
    self.activityEnd = activityEnd
    self.audioStreamEnd = audioStreamEnd
    self.mediaChunks = mediaChunks
  }
}

extension RealtimeInput: WireMessage {
  static var blank: RealtimeInput { RealtimeInput() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("audio", &audio)
    try visitor.field("video", &video)
    try visitor.field("text", &text)
    try visitor.mark("activityStart", &activityStart)
    try visitor.mark("activityEnd", &activityEnd)
    try visitor.field("audioStreamEnd", &audioStreamEnd)
    try visitor.field("mediaChunks", &mediaChunks)
    try visitor.unknown(&unknownFields)
  }
}

/// Results of calls.
public struct ToolResponse: Sendable, Hashable, Codable {
  /// The results, matched to calls by id.
  public var functionResponses: [FunctionResponse]
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(functionResponses: [FunctionResponse] = []) {
    self.functionResponses = functionResponses
  }
}

extension ToolResponse: WireMessage {
  static var blank: ToolResponse { ToolResponse() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("functionResponses", &functionResponses)
    try visitor.unknown(&unknownFields)
  }
}

/// Replaces system instruction and tools in mid-session (Vertex; google-genai 3.x).
public struct ContextUpdate: Sendable, Hashable, Codable {
  /// The new instruction; nil keeps the old one.
  public var systemInstruction: Content?
  /// The new tools; nil keeps the old ones.
  public var tools: ToolsUpdate?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(systemInstruction: Content? = nil, tools: ToolsUpdate? = nil) {
    self.systemInstruction = systemInstruction
    self.tools = tools
  }
}

extension ContextUpdate: WireMessage {
  static var blank: ContextUpdate { ContextUpdate() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("systemInstruction", &systemInstruction)
    try visitor.field("tools", &tools)
    try visitor.unknown(&unknownFields)
  }
}

/// A new list of tools; empty takes all tools away.
public struct ToolsUpdate: Sendable, Hashable, Codable {
  /// The tools.
  public var tools: [Tool]
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(tools: [Tool] = []) {
    self.tools = tools
  }
}

extension ToolsUpdate: WireMessage {
  static var blank: ToolsUpdate { ToolsUpdate() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.presentList("tools", &tools)
    try visitor.unknown(&unknownFields)
  }
}
