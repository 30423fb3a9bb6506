// SPDX-License-Identifier: Apache-2.0

/// The first message of a connection: model and behaviour of the session.
///
/// On a resume everything may differ from the session's first setup except the model.
public struct Setup: Sendable, Hashable, Codable {
  /// `models/NAME`, `tunedModels/NAME`, or a Vertex resource name.
  public var model: String
  /// How the model generates.
  public var generationConfig: GenerationConfig?
  /// Instruction to the model; text parts only.
  public var systemInstruction: Content?
  /// What the model may use.
  public var tools: [Tool]
  /// How the service finds turns in realtime input.
  public var realtimeInputConfig: RealtimeInputConfig?
  /// Asks for resumption handles, and resumes from one.
  public var sessionResumption: SessionResumptionConfig?
  /// Lets the session outlive its context window, and lifts the service's limit of 15 minutes.
  public var contextWindowCompression: ContextWindowCompressionConfig?
  /// Asks for transcripts of the user.
  public var inputAudioTranscription: AudioTranscriptionConfig?
  /// Asks for transcripts of the model.
  public var outputAudioTranscription: AudioTranscriptionConfig?
  /// What the model may do unasked.
  public var proactivity: ProactivityConfig?
  /// Asks for explicit signals of speech; Vertex only.
  public var explicitVadSignal: Bool?
  /// How the conversation begins.
  public var historyConfig: HistoryConfig?
  /// The face of the model.
  public var avatarConfig: AvatarConfig?
  /// What is blocked.
  public var safetySettings: [SafetySetting]
  /// Labels for billing: names and texts, free-form.
  public var labels: JSONObject
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// A setup that asks for what a long session needs: resumption handles (`sessionResumption: {}`),
  /// without which a lost connection loses the conversation, and the sliding window
  /// (`contextWindowCompression.slidingWindow: {}`), without which the service ends the session
  /// after 15 minutes of audio.
  ///
  /// `models/` is put before a bare name, as the first-party SDKs do.
  public init(model: String) {
    self = .blank
    self.model = model.isEmpty || model.contains("/") ? model : "models/" + model
    sessionResumption = SessionResumptionConfig()
    contextWindowCompression = ContextWindowCompressionConfig(slidingWindow: SlidingWindow())
  }

  private init() {
    model = ""
    tools = []
    safetySettings = []
    labels = JSONObject()
  }

  /// A setup that says nothing at all.
  static var blank: Setup { Setup() }
}

extension Setup: WireMessage {
  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("model", &model)
    try visitor.field("generationConfig", &generationConfig)
    try visitor.field("systemInstruction", &systemInstruction)
    try visitor.field("tools", &tools)
    try visitor.field("realtimeInputConfig", &realtimeInputConfig)
    try visitor.field("sessionResumption", &sessionResumption)
    try visitor.field("contextWindowCompression", &contextWindowCompression)
    try visitor.field("inputAudioTranscription", &inputAudioTranscription)
    try visitor.field("outputAudioTranscription", &outputAudioTranscription)
    try visitor.field("proactivity", &proactivity)
    try visitor.field("explicitVadSignal", &explicitVadSignal)
    try visitor.field("historyConfig", &historyConfig)
    try visitor.field("avatarConfig", &avatarConfig)
    try visitor.field("safetySettings", &safetySettings)
    try visitor.field("labels", &labels)
    try visitor.unknown(&unknownFields)
  }
}
