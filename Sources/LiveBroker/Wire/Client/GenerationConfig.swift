// SPDX-License-Identifier: Apache-2.0

/// How the model generates. Fields that Live documents as unsupported are named too, so that they
/// can be read and refused knowingly.
public struct GenerationConfig: Sendable, Hashable, Codable {
  /// What the model answers in. In practice one entry; native-audio models take only audio.
  public var responseModalities: [Modality]
  /// Randomness of sampling.
  public var temperature: Double?
  /// Nucleus sampling.
  public var topP: Double?
  /// Number of candidates for sampling. Some clients spell it `40.0`.
  public var topK: Int?
  /// Number of answers.
  public var candidateCount: Int?
  /// Longest answer.
  public var maxOutputTokens: Int?
  /// Seed of sampling.
  public var seed: Int?
  /// Penalty for tokens that have occurred.
  public var presencePenalty: Double?
  /// Penalty by how often tokens have occurred.
  public var frequencyPenalty: Double?
  /// How finely images and video are looked at.
  public var mediaResolution: MediaResolution?
  /// Voice and language of spoken answers.
  public var speechConfig: SpeechConfig?
  /// Whether and how much the model thinks first.
  public var thinkingConfig: ThinkingConfig?
  /// Lets the model react to the tone of voice. Models without it close the socket.
  public var enableAffectiveDialog: Bool?
  /// Target language of live-translate models.
  public var translationConfig: TranslationConfig?
  /// Unsupported in Live.
  public var responseMimeType: String?
  /// Unsupported in Live.
  public var responseSchema: Schema?
  /// Unsupported in Live. Free-form, never renamed.
  public var responseJsonSchema: JSONValue?
  /// Unsupported in Live.
  public var stopSequences: [String]
  /// Unsupported in Live.
  public var responseLogprobs: Bool?
  /// Unsupported in Live.
  public var logprobs: Int?
  /// Unsupported in Live.
  public var audioTimestamp: Bool?
  /// Unsupported in Live.
  public var routingConfig: JSONValue?
  /// Known to the first-party SDKs; not documented for Live.
  public var modelSelectionConfig: JSONValue?
  /// Known to the first-party SDKs; not documented for Live.
  public var enableEnhancedCivicAnswers: Bool?
  /// Known to the first-party SDKs; not documented for Live.
  public var responseFormat: JSONValue?
  /// Known to the first-party SDKs; not documented for Live.
  public var audioTranscriptionConfig: JSONValue?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(
    responseModalities: [Modality] = [], temperature: Double? = nil, topP: Double? = nil,
    topK: Int? = nil, candidateCount: Int? = nil, maxOutputTokens: Int? = nil, seed: Int? = nil,
    presencePenalty: Double? = nil, frequencyPenalty: Double? = nil,
    mediaResolution: MediaResolution? = nil, speechConfig: SpeechConfig? = nil,
    thinkingConfig: ThinkingConfig? = nil, enableAffectiveDialog: Bool? = nil,
    translationConfig: TranslationConfig? = nil, responseMimeType: String? = nil,
    responseSchema: Schema? = nil, responseJsonSchema: JSONValue? = nil,
    stopSequences: [String] = [], responseLogprobs: Bool? = nil, logprobs: Int? = nil,
    audioTimestamp: Bool? = nil, routingConfig: JSONValue? = nil,
    modelSelectionConfig: JSONValue? = nil, enableEnhancedCivicAnswers: Bool? = nil,
    responseFormat: JSONValue? = nil, audioTranscriptionConfig: JSONValue? = nil
  ) {
    self.responseModalities = responseModalities
    self.temperature = temperature
    self.topP = topP
    self.topK = topK
    self.candidateCount = candidateCount
    self.maxOutputTokens = maxOutputTokens
    self.seed = seed
    self.presencePenalty = presencePenalty
    self.frequencyPenalty = frequencyPenalty
    self.mediaResolution = mediaResolution
    self.speechConfig = speechConfig
    self.thinkingConfig = thinkingConfig
    self.enableAffectiveDialog = enableAffectiveDialog
    self.translationConfig = translationConfig
    self.responseMimeType = responseMimeType
    self.responseSchema = responseSchema
    self.responseJsonSchema = responseJsonSchema
    self.stopSequences = stopSequences
    self.responseLogprobs = responseLogprobs
    self.logprobs = logprobs
    self.audioTimestamp = audioTimestamp
    self.routingConfig = routingConfig
    self.modelSelectionConfig = modelSelectionConfig
    self.enableEnhancedCivicAnswers = enableEnhancedCivicAnswers
    self.responseFormat = responseFormat
    self.audioTranscriptionConfig = audioTranscriptionConfig
  }
}

extension GenerationConfig: WireMessage {
  static var blank: GenerationConfig { GenerationConfig() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("responseModalities", &responseModalities)
    try visitor.field("temperature", &temperature)
    try visitor.field("topP", &topP)
    try visitor.field("topK", &topK)
    try visitor.field("candidateCount", &candidateCount)
    try visitor.field("maxOutputTokens", &maxOutputTokens)
    try visitor.field("seed", &seed)
    try visitor.field("presencePenalty", &presencePenalty)
    try visitor.field("frequencyPenalty", &frequencyPenalty)
    try visitor.field("mediaResolution", &mediaResolution)
    try visitor.field("speechConfig", &speechConfig)
    try visitor.field("thinkingConfig", &thinkingConfig)
    try visitor.field("enableAffectiveDialog", &enableAffectiveDialog)
    try visitor.field("translationConfig", &translationConfig)
    try visitor.field("responseMimeType", &responseMimeType)
    try visitor.field("responseSchema", &responseSchema)
    try visitor.field("responseJsonSchema", &responseJsonSchema)
    try visitor.field("stopSequences", &stopSequences)
    try visitor.field("responseLogprobs", &responseLogprobs)
    try visitor.field("logprobs", &logprobs)
    try visitor.field("audioTimestamp", &audioTimestamp)
    try visitor.field("routingConfig", &routingConfig)
    try visitor.field("modelSelectionConfig", &modelSelectionConfig)
    try visitor.field("enableEnhancedCivicAnswers", &enableEnhancedCivicAnswers)
    try visitor.field("responseFormat", &responseFormat)
    try visitor.field("audioTranscriptionConfig", &audioTranscriptionConfig)
    try visitor.unknown(&unknownFields)
  }
}

/// Whether and how much the model thinks before it answers.
public struct ThinkingConfig: Sendable, Hashable, Codable {
  /// Whether thoughts are sent as parts.
  public var includeThoughts: Bool?
  /// Tokens for thinking, on 2.5 models; 0 turns thinking off.
  public var thinkingBudget: Int?
  /// How much thinking, on 3.x models.
  public var thinkingLevel: ThinkingLevel?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(
    includeThoughts: Bool? = nil, thinkingBudget: Int? = nil, thinkingLevel: ThinkingLevel? = nil
  ) {
    self.includeThoughts = includeThoughts
    self.thinkingBudget = thinkingBudget
    self.thinkingLevel = thinkingLevel
  }
}

extension ThinkingConfig: WireMessage {
  static var blank: ThinkingConfig { ThinkingConfig() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("includeThoughts", &includeThoughts)
    try visitor.field("thinkingBudget", &thinkingBudget)
    try visitor.field("thinkingLevel", &thinkingLevel)
    try visitor.unknown(&unknownFields)
  }
}

/// What a live-translate model translates to.
public struct TranslationConfig: Sendable, Hashable, Codable {
  /// BCP 47 code of the target language.
  public var targetLanguageCode: String?
  /// Whether speech already in the target language is repeated.
  public var echoTargetLanguage: Bool?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(targetLanguageCode: String? = nil, echoTargetLanguage: Bool? = nil) {
    self.targetLanguageCode = targetLanguageCode
    self.echoTargetLanguage = echoTargetLanguage
  }
}

extension TranslationConfig: WireMessage {
  static var blank: TranslationConfig { TranslationConfig() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("targetLanguageCode", &targetLanguageCode)
    try visitor.field("echoTargetLanguage", &echoTargetLanguage)
    try visitor.unknown(&unknownFields)
  }
}

/// A kind of content.
public struct Modality: RawRepresentable, Sendable, Hashable, Codable {
  /// The name on the wire.
  public var rawValue: String
  /// Takes any name, known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Text.
  public static let text = Modality(rawValue: "TEXT")
  /// Sound.
  public static let audio = Modality(rawValue: "AUDIO")
  /// Still images.
  public static let image = Modality(rawValue: "IMAGE")
  /// Moving images.
  public static let video = Modality(rawValue: "VIDEO")
  /// Documents.
  public static let document = Modality(rawValue: "DOCUMENT")
}

extension Modality: OpenEnum {}

/// How finely images and video are looked at.
public struct MediaResolution: RawRepresentable, Sendable, Hashable, Codable {
  /// The name on the wire.
  public var rawValue: String
  /// Takes any name, known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Few tokens per image.
  public static let low = MediaResolution(rawValue: "MEDIA_RESOLUTION_LOW")
  /// A middle way.
  public static let medium = MediaResolution(rawValue: "MEDIA_RESOLUTION_MEDIUM")
  /// Many tokens per image.
  public static let high = MediaResolution(rawValue: "MEDIA_RESOLUTION_HIGH")
}

extension MediaResolution: OpenEnum {}

/// How much a 3.x model thinks.
public struct ThinkingLevel: RawRepresentable, Sendable, Hashable, Codable {
  /// The name on the wire.
  public var rawValue: String
  /// Takes any name, known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// As little as possible.
  public static let minimal = ThinkingLevel(rawValue: "MINIMAL")
  /// Little.
  public static let low = ThinkingLevel(rawValue: "LOW")
  /// Some.
  public static let medium = ThinkingLevel(rawValue: "MEDIUM")
  /// Much.
  public static let high = ThinkingLevel(rawValue: "HIGH")
  /// As much as possible.
  public static let extraHigh = ThinkingLevel(rawValue: "XHIGH")
}

extension ThinkingLevel: OpenEnum {}
