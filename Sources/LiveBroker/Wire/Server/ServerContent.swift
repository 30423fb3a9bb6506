// SPDX-License-Identifier: Apache-2.0

/// What the model says, and where its turn stands. Pieces are to be appended.
public struct ServerContent: Sendable, Hashable, Codable {
  /// A piece of the answer.
  public var modelTurn: Content?
  /// The model has produced everything; playback may still run.
  public var generationComplete: Bool
  /// The turn is over.
  public var turnComplete: Bool
  /// The user spoke: drop what is queued for playback.
  public var interrupted: Bool
  /// A piece of the transcript of the user.
  public var inputTranscription: Transcription?
  /// A piece of the transcript of the model.
  public var outputTranscription: Transcription?
  /// A guess that later pieces replace.
  public var interimInputTranscription: Transcription? {
    get { rare.read { $0.interimInputTranscription } }
    set { rare.fields.interimInputTranscription = newValue }
  }
  /// Search results, as the service sends them: their fields are documented for other methods only,
  /// and change with the search tools.
  public var groundingMetadata: JSONValue? {
    get { rare.read { $0.groundingMetadata } }
    set { rare.fields.groundingMetadata = newValue }
  }
  /// Addresses that were read, as the service sends them; raw for the same reason.
  public var urlContextMetadata: JSONValue? {
    get { rare.read { $0.urlContextMetadata } }
    set { rare.fields.urlContextMetadata = newValue }
  }
  /// Why the turn ended.
  public var turnCompleteReason: TurnCompleteReason? {
    get { rare.read { $0.turnCompleteReason } }
    set { rare.fields.turnCompleteReason = newValue }
  }
  /// The model generates nothing until more input comes.
  public var waitingForInput: Bool {
    get { rare.read { $0.waitingForInput } ?? false }
    set { rare.fields.waitingForInput = newValue }
  }
  /// Whether more follows by itself (3.8 models).
  public var interactionStatus: InteractionStatus? {
    get { rare.read { $0.interactionStatus } }
    set { rare.fields.interactionStatus = newValue }
  }
  /// Whether the user speaks, by Vertex's documentation, which gives no type; kept as it comes.
  public var speechState: JSONValue? {
    get { rare.read { $0.speechState } }
    set { rare.fields.speechState = newValue }
  }
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()
  private var rare = Rarely<RareContentFields>()

  /// Makes a value from its parts.
  public init(
    modelTurn: Content? = nil, generationComplete: Bool = false, turnComplete: Bool = false,
    interrupted: Bool = false, inputTranscription: Transcription? = nil,
    outputTranscription: Transcription? = nil, interimInputTranscription: Transcription? = nil,
    groundingMetadata: JSONValue? = nil, urlContextMetadata: JSONValue? = nil,
    turnCompleteReason: TurnCompleteReason? = nil, waitingForInput: Bool = false,
    interactionStatus: InteractionStatus? = nil, speechState: JSONValue? = nil
  ) {
    self.modelTurn = modelTurn
    self.generationComplete = generationComplete
    self.turnComplete = turnComplete
    self.interrupted = interrupted
    self.inputTranscription = inputTranscription
    self.outputTranscription = outputTranscription
    if interimInputTranscription != nil || groundingMetadata != nil || urlContextMetadata != nil
      || turnCompleteReason != nil || waitingForInput || interactionStatus != nil
      || speechState != nil
    {
      rare.fields = RareContentFields(
        interimInputTranscription: interimInputTranscription, groundingMetadata: groundingMetadata,
        urlContextMetadata: urlContextMetadata, turnCompleteReason: turnCompleteReason,
        waitingForInput: waitingForInput, interactionStatus: interactionStatus,
        speechState: speechState)
    }
  }
}

extension ServerContent: WireMessage {
  static var blank: ServerContent { ServerContent() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("modelTurn", &modelTurn)
    try visitor.field("generationComplete", &generationComplete)
    try visitor.field("turnComplete", &turnComplete)
    try visitor.field("interrupted", &interrupted)
    try visitor.field("inputTranscription", &inputTranscription)
    try visitor.field("outputTranscription", &outputTranscription)
    try visitor.rarely(&rare)
    try visitor.unknown(&unknownFields)
  }
}

/// Fields of ``ServerContent`` that most messages do not use.
private struct RareContentFields: FieldGroup {
  var interimInputTranscription: Transcription?
  var groundingMetadata: JSONValue?
  var urlContextMetadata: JSONValue?
  var turnCompleteReason: TurnCompleteReason?
  var waitingForInput: Bool = false
  var interactionStatus: InteractionStatus?
  var speechState: JSONValue?

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("interimInputTranscription", &interimInputTranscription)
    try visitor.field("groundingMetadata", &groundingMetadata)
    try visitor.field("urlContextMetadata", &urlContextMetadata)
    try visitor.field("turnCompleteReason", &turnCompleteReason)
    try visitor.field("waitingForInput", &waitingForInput)
    try visitor.field("interactionStatus", &interactionStatus)
    try visitor.field("speechState", &speechState)
  }
}

/// A piece of a transcript. Concatenate ``text`` as it is, spaces included.
public struct Transcription: Sendable, Hashable, Codable {
  /// The piece.
  public var text: String
  /// Whether the transcript is complete. Often never sent: do not wait for it.
  public var finished: Bool
  /// BCP 47 code of what was spoken.
  public var languageCode: String? {
    get { rare.read { $0.languageCode } }
    set { rare.fields.languageCode = newValue }
  }
  /// Who spoke, with diarization.
  public var speakerLabel: String? {
    get { rare.read { $0.speakerLabel } }
    set { rare.fields.speakerLabel = newValue }
  }
  /// The words with their times.
  public var words: [TranscribedWord] {
    get { rare.read { $0.words } ?? [] }
    set { rare.fields.words = newValue }
  }
  /// When it begins in the input.
  public var startOffset: Duration? {
    get { rare.read { $0.startOffset } }
    set { rare.fields.startOffset = newValue }
  }
  /// When it ends in the input.
  public var endOffset: Duration? {
    get { rare.read { $0.endOffset } }
    set { rare.fields.endOffset = newValue }
  }
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()
  private var rare = Rarely<TranscriptionDetails>()

  /// Makes a value from its parts.
  public init(
    text: String = "", finished: Bool = false, languageCode: String? = nil,
    speakerLabel: String? = nil, words: [TranscribedWord] = [], startOffset: Duration? = nil,
    endOffset: Duration? = nil
  ) {
    self.text = text
    self.finished = finished
    if languageCode != nil || speakerLabel != nil || !words.isEmpty || startOffset != nil
      || endOffset != nil
    {
      rare.fields = TranscriptionDetails(
        languageCode: languageCode, speakerLabel: speakerLabel, words: words,
        startOffset: startOffset, endOffset: endOffset)
    }
  }
}

extension Transcription: WireMessage {
  static var blank: Transcription { Transcription() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("text", &text)
    try visitor.field("finished", &finished)
    try visitor.rarely(&rare)
    try visitor.unknown(&unknownFields)
  }
}

/// Fields of ``Transcription`` that most messages do not use.
private struct TranscriptionDetails: FieldGroup {
  var languageCode: String?
  var speakerLabel: String?
  var words: [TranscribedWord] = []
  var startOffset: Duration?
  var endOffset: Duration?

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("languageCode", &languageCode)
    try visitor.field("speakerLabel", &speakerLabel)
    try visitor.field("words", &words)
    try visitor.tolerant("startOffset", &startOffset)
    try visitor.tolerant("endOffset", &endOffset)
  }
}

/// A word and its times.
public struct TranscribedWord: Sendable, Hashable, Codable {
  /// The word.
  public var word: String
  /// When it begins.
  public var startOffset: Duration?
  /// When it ends.
  public var endOffset: Duration?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(word: String = "", startOffset: Duration? = nil, endOffset: Duration? = nil) {
    self.word = word
    self.startOffset = startOffset
    self.endOffset = endOffset
  }
}

extension TranscribedWord: WireMessage {
  static var blank: TranscribedWord { TranscribedWord() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("word", &word)
    try visitor.tolerant("startOffset", &startOffset)
    try visitor.tolerant("endOffset", &endOffset)
    try visitor.unknown(&unknownFields)
  }
}

/// Why a turn ended. The service knows more than are named here.
public struct TurnCompleteReason: RawRepresentable, Sendable, Hashable, Codable {
  /// The name on the wire.
  public var rawValue: String
  /// Takes any name, known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// The model wrote a call that cannot be read.
  public static let malformedFunctionCall = TurnCompleteReason(rawValue: "MALFORMED_FUNCTION_CALL")
  /// The answer was withheld.
  public static let responseRejected = TurnCompleteReason(rawValue: "RESPONSE_REJECTED")
  /// The model waits for the user.
  public static let needMoreInput = TurnCompleteReason(rawValue: "NEED_MORE_INPUT")
  /// The input was refused.
  public static let prohibitedInputContent = TurnCompleteReason(
    rawValue: "PROHIBITED_INPUT_CONTENT")
  /// The service gave up generating.
  public static let maxRegenerationReached = TurnCompleteReason(
    rawValue: "MAX_REGENERATION_REACHED")
}

extension TurnCompleteReason: OpenEnum {}

/// Whether more follows by itself.
public struct InteractionStatus: RawRepresentable, Sendable, Hashable, Codable {
  /// The name on the wire.
  public var rawValue: String
  /// Takes any name, known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// More follows after this turn.
  public static let inProgress = InteractionStatus(rawValue: "IN_PROGRESS")
  /// Nothing follows until the user acts.
  public static let idle = InteractionStatus(rawValue: "IDLE")
  /// Deprecated.
  public static let requiresAction = InteractionStatus(rawValue: "REQUIRES_ACTION")
}

extension InteractionStatus: OpenEnum {}
