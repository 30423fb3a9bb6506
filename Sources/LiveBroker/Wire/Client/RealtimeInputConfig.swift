// SPDX-License-Identifier: Apache-2.0

/// How the service finds turns in realtime input.
public struct RealtimeInputConfig: Sendable, Hashable, Codable {
  /// Detection of speech by the service.
  public var automaticActivityDetection: AutomaticActivityDetection?
  /// What the user's activity does to a running answer.
  public var activityHandling: ActivityHandling?
  /// Which input belongs to a turn. The default differs between models.
  public var turnCoverage: TurnCoverage?
  /// Whether interim transcripts carry times.
  public var interimTranscriptTimestampEnabled: Bool?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(
    automaticActivityDetection: AutomaticActivityDetection? = nil,
    activityHandling: ActivityHandling? = nil, turnCoverage: TurnCoverage? = nil,
    interimTranscriptTimestampEnabled: Bool? = nil
  ) {
    self.automaticActivityDetection = automaticActivityDetection
    self.activityHandling = activityHandling
    self.turnCoverage = turnCoverage
    self.interimTranscriptTimestampEnabled = interimTranscriptTimestampEnabled
  }
}

extension RealtimeInputConfig: WireMessage {
  static var blank: RealtimeInputConfig { RealtimeInputConfig() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("automaticActivityDetection", &automaticActivityDetection)
    try visitor.field("activityHandling", &activityHandling)
    try visitor.field("turnCoverage", &turnCoverage)
    try visitor.field("interimTranscriptTimestampEnabled", &interimTranscriptTimestampEnabled)
    try visitor.unknown(&unknownFields)
  }
}

/// Detection of speech by the service.
public struct AutomaticActivityDetection: Sendable, Hashable, Codable {
  /// Whether the client marks activity itself with `activityStart` and `activityEnd`.
  public var disabled: Bool?
  /// How readily speech is taken to begin.
  public var startOfSpeechSensitivity: StartSensitivity?
  /// How readily speech is taken to end.
  public var endOfSpeechSensitivity: EndSensitivity?
  /// Milliseconds of speech before its beginning counts.
  public var prefixPaddingMs: Int?
  /// Milliseconds of silence before its end counts.
  public var silenceDurationMs: Int?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(
    disabled: Bool? = nil, startOfSpeechSensitivity: StartSensitivity? = nil,
    endOfSpeechSensitivity: EndSensitivity? = nil, prefixPaddingMs: Int? = nil,
    silenceDurationMs: Int? = nil
  ) {
    self.disabled = disabled
    self.startOfSpeechSensitivity = startOfSpeechSensitivity
    self.endOfSpeechSensitivity = endOfSpeechSensitivity
    self.prefixPaddingMs = prefixPaddingMs
    self.silenceDurationMs = silenceDurationMs
  }
}

extension AutomaticActivityDetection: WireMessage {
  static var blank: AutomaticActivityDetection { AutomaticActivityDetection() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("disabled", &disabled)
    try visitor.field("startOfSpeechSensitivity", &startOfSpeechSensitivity)
    try visitor.field("endOfSpeechSensitivity", &endOfSpeechSensitivity)
    try visitor.field("prefixPaddingMs", &prefixPaddingMs)
    try visitor.field("silenceDurationMs", &silenceDurationMs)
    try visitor.unknown(&unknownFields)
  }
}

/// How readily speech is taken to begin.
public struct StartSensitivity: RawRepresentable, Sendable, Hashable, Codable {
  /// The name on the wire.
  public var rawValue: String
  /// Takes any name, known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Readily; the default of the Developer API.
  public static let high = StartSensitivity(rawValue: "START_SENSITIVITY_HIGH")
  /// Reluctantly; the default of Vertex.
  public static let low = StartSensitivity(rawValue: "START_SENSITIVITY_LOW")
}

extension StartSensitivity: OpenEnum {}

/// How readily speech is taken to end.
public struct EndSensitivity: RawRepresentable, Sendable, Hashable, Codable {
  /// The name on the wire.
  public var rawValue: String
  /// Takes any name, known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Readily; the default of the Developer API.
  public static let high = EndSensitivity(rawValue: "END_SENSITIVITY_HIGH")
  /// Reluctantly; the default of Vertex.
  public static let low = EndSensitivity(rawValue: "END_SENSITIVITY_LOW")
}

extension EndSensitivity: OpenEnum {}

/// What the user's activity does to a running answer.
public struct ActivityHandling: RawRepresentable, Sendable, Hashable, Codable {
  /// The name on the wire.
  public var rawValue: String
  /// Takes any name, known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// It cuts the answer off; the default.
  public static let interrupts = ActivityHandling(rawValue: "START_OF_ACTIVITY_INTERRUPTS")
  /// Nothing.
  public static let noInterruption = ActivityHandling(rawValue: "NO_INTERRUPTION")
}

extension ActivityHandling: OpenEnum {}

/// Which input belongs to a turn.
public struct TurnCoverage: RawRepresentable, Sendable, Hashable, Codable {
  /// The name on the wire.
  public var rawValue: String
  /// Takes any name, known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// What came during activity.
  public static let onlyActivity = TurnCoverage(rawValue: "TURN_INCLUDES_ONLY_ACTIVITY")
  /// Everything since the last turn.
  public static let allInput = TurnCoverage(rawValue: "TURN_INCLUDES_ALL_INPUT")
  /// Audio during activity, and all video; the default of 3.x models. Vertex closes a setup that
  /// asks for it.
  public static let audioActivityAndAllVideo = TurnCoverage(
    rawValue: "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO")
}

extension TurnCoverage: OpenEnum {}
