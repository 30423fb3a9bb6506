// SPDX-License-Identifier: Apache-2.0

/// Asks for resumption handles, and resumes from one. Its presence alone turns handles on.
public struct SessionResumptionConfig: Sendable, Hashable, Codable {
  /// The handle of the session to resume; nil starts a new one.
  public var handle: Secret?
  /// Asks for indexes of consumed messages. Vertex only: the Developer API refuses it.
  public var transparent: Bool?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(handle: Secret? = nil, transparent: Bool? = nil) {
    self.handle = handle
    self.transparent = transparent
  }
}

extension SessionResumptionConfig: WireMessage {
  static var blank: SessionResumptionConfig { SessionResumptionConfig() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.nonEmpty("handle", &handle)
    try visitor.field("transparent", &transparent)
    try visitor.unknown(&unknownFields)
  }
}

/// Lets a session outlive its context window. Its presence turns the sliding window on.
public struct ContextWindowCompressionConfig: Sendable, Hashable, Codable {
  /// Size at which the window is compressed. The service's default is 80 % of the model's window.
  public var triggerTokens: Int64?
  /// The mechanism.
  public var slidingWindow: SlidingWindow?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(triggerTokens: Int64? = nil, slidingWindow: SlidingWindow? = nil) {
    self.triggerTokens = triggerTokens
    self.slidingWindow = slidingWindow
  }
}

extension ContextWindowCompressionConfig: WireMessage {
  static var blank: ContextWindowCompressionConfig { ContextWindowCompressionConfig() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("triggerTokens", &triggerTokens)
    try visitor.field("slidingWindow", &slidingWindow)
    try visitor.unknown(&unknownFields)
  }
}

/// Keeps the newest part of the context.
public struct SlidingWindow: Sendable, Hashable, Codable {
  /// Size after compression. The service's default is half of the trigger.
  public var targetTokens: Int64?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(targetTokens: Int64? = nil) {
    self.targetTokens = targetTokens
  }
}

extension SlidingWindow: WireMessage {
  static var blank: SlidingWindow { SlidingWindow() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("targetTokens", &targetTokens)
    try visitor.unknown(&unknownFields)
  }
}

/// Asks for transcripts. Its presence alone, even empty, turns them on.
public struct AudioTranscriptionConfig: Sendable, Hashable, Codable {
  /// BCP 47 codes to expect.
  public var languageCodes: [String]
  /// Words to expect.
  public var customVocabulary: [String]
  /// Whether each word carries its times.
  public var wordTimestamp: Bool?
  /// Whether speakers are told apart.
  public var diarization: Bool?
  /// How literal the transcript is.
  public var mode: TranscriptionMode?
  /// Known to the first-party SDKs; not documented.
  public var sourceText: JSONValue?
  /// Deprecated.
  public var languageAuto: JSONValue?
  /// Deprecated.
  public var languageHints: JSONValue?
  /// Deprecated in favour of the custom vocabulary.
  public var adaptationPhrases: [String]
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(
    languageCodes: [String] = [], customVocabulary: [String] = [], wordTimestamp: Bool? = nil,
    diarization: Bool? = nil, mode: TranscriptionMode? = nil, sourceText: JSONValue? = nil,
    languageAuto: JSONValue? = nil, languageHints: JSONValue? = nil,
    adaptationPhrases: [String] = []
  ) {
    self.languageCodes = languageCodes
    self.customVocabulary = customVocabulary
    self.wordTimestamp = wordTimestamp
    self.diarization = diarization
    self.mode = mode
    self.sourceText = sourceText
    self.languageAuto = languageAuto
    self.languageHints = languageHints
    self.adaptationPhrases = adaptationPhrases
  }
}

extension AudioTranscriptionConfig: WireMessage {
  static var blank: AudioTranscriptionConfig { AudioTranscriptionConfig() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("languageCodes", &languageCodes)
    try visitor.field("customVocabulary", &customVocabulary)
    try visitor.field("wordTimestamp", &wordTimestamp)
    try visitor.field("diarization", &diarization)
    try visitor.field("mode", &mode)
    try visitor.field("sourceText", &sourceText)
    try visitor.field("languageAuto", &languageAuto)
    try visitor.field("languageHints", &languageHints)
    try visitor.field("adaptationPhrases", &adaptationPhrases)
    try visitor.unknown(&unknownFields)
  }
}

/// How literal a transcript is.
public struct TranscriptionMode: RawRepresentable, Sendable, Hashable, Codable {
  /// The name on the wire.
  public var rawValue: String
  /// Takes any name, known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Word for word.
  public static let verbatim = TranscriptionMode(rawValue: "VERBATIM")
  /// Readable.
  public static let smart = TranscriptionMode(rawValue: "SMART")
}

extension TranscriptionMode: OpenEnum {}

/// What the model may do unasked.
public struct ProactivityConfig: Sendable, Hashable, Codable {
  /// Lets the model stay silent when it is not addressed.
  public var proactiveAudio: Bool?
  /// The same for video.
  public var proactiveVideo: Bool?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(proactiveAudio: Bool? = nil, proactiveVideo: Bool? = nil) {
    self.proactiveAudio = proactiveAudio
    self.proactiveVideo = proactiveVideo
  }
}

extension ProactivityConfig: WireMessage {
  static var blank: ProactivityConfig { ProactivityConfig() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("proactiveAudio", &proactiveAudio)
    try visitor.field("proactiveVideo", &proactiveVideo)
    try visitor.unknown(&unknownFields)
  }
}

/// How a conversation begins.
public struct HistoryConfig: Sendable, Hashable, Codable {
  /// Whether the first client content, up to `turnComplete`, is history that starts no generation.
  public var initialHistoryInClientContent: Bool?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(initialHistoryInClientContent: Bool? = nil) {
    self.initialHistoryInClientContent = initialHistoryInClientContent
  }
}

extension HistoryConfig: WireMessage {
  static var blank: HistoryConfig { HistoryConfig() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("initialHistoryInClientContent", &initialHistoryInClientContent)
    try visitor.unknown(&unknownFields)
  }
}

/// The face of the model.
public struct AvatarConfig: Sendable, Hashable, Codable {
  /// An avatar of the service.
  public var avatarName: String?
  /// An avatar of one's own, as the service describes it.
  public var customizedAvatar: JSONValue?
  /// Bits per second of sound.
  public var audioBitrateBps: Int?
  /// Bits per second of the picture.
  public var videoBitrateBps: Int?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(
    avatarName: String? = nil, customizedAvatar: JSONValue? = nil, audioBitrateBps: Int? = nil,
    videoBitrateBps: Int? = nil
  ) {
    self.avatarName = avatarName
    self.customizedAvatar = customizedAvatar
    self.audioBitrateBps = audioBitrateBps
    self.videoBitrateBps = videoBitrateBps
  }
}

extension AvatarConfig: WireMessage {
  static var blank: AvatarConfig { AvatarConfig() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("avatarName", &avatarName)
    try visitor.field("customizedAvatar", &customizedAvatar)
    try visitor.field("audioBitrateBps", &audioBitrateBps)
    try visitor.field("videoBitrateBps", &videoBitrateBps)
    try visitor.unknown(&unknownFields)
  }
}

/// What is blocked in one category of harm.
public struct SafetySetting: Sendable, Hashable, Codable {
  /// Such as `HARM_CATEGORY_HARASSMENT`.
  public var category: String?
  /// Such as `BLOCK_ONLY_HIGH`.
  public var threshold: String?
  /// Vertex only.
  public var method: String?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(category: String? = nil, threshold: String? = nil, method: String? = nil) {
    self.category = category
    self.threshold = threshold
    self.method = method
  }
}

extension SafetySetting: WireMessage {
  static var blank: SafetySetting { SafetySetting() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("category", &category)
    try visitor.field("threshold", &threshold)
    try visitor.field("method", &method)
    try visitor.unknown(&unknownFields)
  }
}
