// SPDX-License-Identifier: Apache-2.0

/// Voice and language of spoken answers.
public struct SpeechConfig: Sendable, Hashable, Codable {
  /// BCP 47 code of the language.
  public var languageCode: String?
  /// The voice.
  public var voiceConfig: VoiceConfig?
  /// Refused in Live.
  public var multiSpeakerVoiceConfig: JSONValue?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(
    languageCode: String? = nil, voiceConfig: VoiceConfig? = nil,
    multiSpeakerVoiceConfig: JSONValue? = nil
  ) {
    self.languageCode = languageCode
    self.voiceConfig = voiceConfig
    self.multiSpeakerVoiceConfig = multiSpeakerVoiceConfig
  }
}

extension SpeechConfig: WireMessage {
  static var blank: SpeechConfig { SpeechConfig() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("languageCode", &languageCode)
    try visitor.field("voiceConfig", &voiceConfig)
    try visitor.field("multiSpeakerVoiceConfig", &multiSpeakerVoiceConfig)
    try visitor.unknown(&unknownFields)
  }
}

/// One of several ways to choose a voice.
public struct VoiceConfig: Sendable, Hashable, Codable {
  /// A voice of the service.
  public var prebuiltVoiceConfig: PrebuiltVoiceConfig?
  /// A voice made from a sample.
  public var replicatedVoiceConfig: ReplicatedVoiceConfig?
  /// A voice by its resource name.
  public var voice: String?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(
    prebuiltVoiceConfig: PrebuiltVoiceConfig? = nil,
    replicatedVoiceConfig: ReplicatedVoiceConfig? = nil, voice: String? = nil
  ) {
    self.prebuiltVoiceConfig = prebuiltVoiceConfig
    self.replicatedVoiceConfig = replicatedVoiceConfig
    self.voice = voice
  }
}

extension VoiceConfig: WireMessage {
  static var blank: VoiceConfig { VoiceConfig() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("prebuiltVoiceConfig", &prebuiltVoiceConfig)
    try visitor.field("replicatedVoiceConfig", &replicatedVoiceConfig)
    try visitor.field("voice", &voice)
    try visitor.unknown(&unknownFields)
  }
}

/// A voice of the service.
public struct PrebuiltVoiceConfig: Sendable, Hashable, Codable {
  /// Such as `Kore`.
  public var voiceName: String?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(voiceName: String? = nil) {
    self.voiceName = voiceName
  }
}

extension PrebuiltVoiceConfig: WireMessage {
  static var blank: PrebuiltVoiceConfig { PrebuiltVoiceConfig() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("voiceName", &voiceName)
    try visitor.unknown(&unknownFields)
  }
}

/// A voice made from a sample, with its speaker's consent.
public struct ReplicatedVoiceConfig: Sendable, Hashable, Codable {
  /// Media type of the sample.
  public var mimeType: String?
  /// The sample.
  public var voiceSampleAudio: [UInt8]?
  /// The recorded consent.
  public var consentAudio: [UInt8]?
  /// The service's signature from an earlier setup, instead of the consent.
  public var voiceConsentSignature: VoiceConsentSignature?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(
    mimeType: String? = nil, voiceSampleAudio: [UInt8]? = nil, consentAudio: [UInt8]? = nil,
    voiceConsentSignature: VoiceConsentSignature? = nil
  ) {
    self.mimeType = mimeType
    self.voiceSampleAudio = voiceSampleAudio
    self.consentAudio = consentAudio
    self.voiceConsentSignature = voiceConsentSignature
  }
}

extension ReplicatedVoiceConfig: WireMessage {
  static var blank: ReplicatedVoiceConfig { ReplicatedVoiceConfig() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("mimeType", &mimeType)
    try visitor.bytes("voiceSampleAudio", &voiceSampleAudio)
    try visitor.bytes("consentAudio", &consentAudio)
    try visitor.field("voiceConsentSignature", &voiceConsentSignature)
    try visitor.unknown(&unknownFields)
  }
}

/// The service's signature under a recorded consent.
public struct VoiceConsentSignature: Sendable, Hashable, Codable {
  /// The signature.
  public var signature: String
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(signature: String = "") {
    self.signature = signature
  }
}

extension VoiceConsentSignature: WireMessage {
  static var blank: VoiceConsentSignature { VoiceConsentSignature() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("signature", &signature)
    try visitor.unknown(&unknownFields)
  }
}
