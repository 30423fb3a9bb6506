// SPDX-License-Identifier: Apache-2.0

/// The answer to setup; the session may be used.
public struct SetupComplete: Sendable, Hashable, Codable {
  /// The service's name for the session, on Vertex.
  public var sessionId: String?
  /// To be used instead of the recorded consent next time.
  public var voiceConsentSignature: VoiceConsentSignature?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(sessionId: String? = nil, voiceConsentSignature: VoiceConsentSignature? = nil) {
    self.sessionId = sessionId
    self.voiceConsentSignature = voiceConsentSignature
  }
}

extension SetupComplete: WireMessage {
  static var blank: SetupComplete { SetupComplete() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("sessionId", &sessionId)
    try visitor.field("voiceConsentSignature", &voiceConsentSignature)
    try visitor.unknown(&unknownFields)
  }
}

/// Calls that the model asks for.
public struct ToolCall: Sendable, Hashable, Codable {
  /// The calls.
  public var functionCalls: [FunctionCall]
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(functionCalls: [FunctionCall] = []) {
    self.functionCalls = functionCalls
  }
}

extension ToolCall: WireMessage {
  static var blank: ToolCall { ToolCall() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("functionCalls", &functionCalls)
    try visitor.unknown(&unknownFields)
  }
}

/// Calls that are no longer wanted. They must not be answered.
public struct ToolCallCancellation: Sendable, Hashable, Codable {
  /// The calls.
  public var ids: [String]
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(ids: [String] = []) {
    self.ids = ids
  }
}

extension ToolCallCancellation: WireMessage {
  static var blank: ToolCallCancellation { ToolCallCancellation() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("ids", &ids)
    try visitor.unknown(&unknownFields)
  }
}

/// The connection will be cut.
public struct GoAway: Sendable, Hashable, Codable {
  /// Time until the cut. Nil if it was absent or malformed: a safe default is the session's affair.
  /// May be zero or negative.
  public var timeLeft: Duration?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(timeLeft: Duration? = nil) {
    self.timeLeft = timeLeft
  }
}

extension GoAway: WireMessage {
  static var blank: GoAway { GoAway() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.tolerant("timeLeft", &timeLeft)
    try visitor.unknown(&unknownFields)
  }
}

/// The state of resumption.
public struct SessionResumptionUpdate: Sendable, Hashable, Codable {
  /// A new checkpoint. An update without one does not take the last one away.
  public var newHandle: Secret?
  /// Whether the session can be resumed at this very point.
  public var resumable: Bool
  /// With transparent resumption: the last message of this connection that the handle covers; setup
  /// is 0.
  public var lastConsumedClientMessageIndex: Int64?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(
    newHandle: Secret? = nil, resumable: Bool = false, lastConsumedClientMessageIndex: Int64? = nil
  ) {
    self.newHandle = newHandle
    self.resumable = resumable
    self.lastConsumedClientMessageIndex = lastConsumedClientMessageIndex
  }
}

extension SessionResumptionUpdate: WireMessage {
  static var blank: SessionResumptionUpdate { SessionResumptionUpdate() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.nonEmpty("newHandle", &newHandle)
    try visitor.field("resumable", &resumable)
    try visitor.field("lastConsumedClientMessageIndex", &lastConsumedClientMessageIndex)
    try visitor.unknown(&unknownFields)
  }
}

/// The service heard speech begin or end.
public struct VoiceActivity: Sendable, Hashable, Codable {
  /// Which of the two.
  public var type: VoiceActivityType?
  /// Where in the input.
  public var audioOffset: Duration?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(type: VoiceActivityType? = nil, audioOffset: Duration? = nil) {
    self.type = type
    self.audioOffset = audioOffset
  }
}

extension VoiceActivity: WireMessage {
  static var blank: VoiceActivity { VoiceActivity() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("type", &type)
    try visitor.tolerant("audioOffset", &audioOffset)
    try visitor.unknown(&unknownFields)
  }
}

/// Begin or end of speech.
public struct VoiceActivityType: RawRepresentable, Sendable, Hashable, Codable {
  /// The name on the wire.
  public var rawValue: String
  /// Takes any name, known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Speech began.
  public static let start = VoiceActivityType(rawValue: "ACTIVITY_START")
  /// Speech ended.
  public static let end = VoiceActivityType(rawValue: "ACTIVITY_END")
}

extension VoiceActivityType: OpenEnum {}

/// An explicit signal of speech (Vertex, with `explicitVadSignal`).
public struct VoiceActivityDetectionSignal: Sendable, Hashable, Codable {
  /// Which one.
  public var vadSignalType: VADSignalType?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(vadSignalType: VADSignalType? = nil) {
    self.vadSignalType = vadSignalType
  }
}

extension VoiceActivityDetectionSignal: WireMessage {
  static var blank: VoiceActivityDetectionSignal { VoiceActivityDetectionSignal() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("vadSignalType", &vadSignalType)
    try visitor.unknown(&unknownFields)
  }
}

/// Begin or end of speech.
public struct VADSignalType: RawRepresentable, Sendable, Hashable, Codable {
  /// The name on the wire.
  public var rawValue: String
  /// Takes any name, known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Speech began.
  public static let startOfSpeech = VADSignalType(rawValue: "VAD_SIGNAL_TYPE_SOS")
  /// Speech ended.
  public static let endOfSpeech = VADSignalType(rawValue: "VAD_SIGNAL_TYPE_EOS")
}

extension VADSignalType: OpenEnum {}
