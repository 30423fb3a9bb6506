// SPDX-License-Identifier: Apache-2.0

/// One message from the service: a set of fields. The schema says one kind per message, with usage
/// beside any; real messages are read tolerantly, so content beside a `goAway` is never lost.
public struct ServerMessage: Sendable, Hashable, Codable {
  /// The answer to setup.
  public var setupComplete: SetupComplete? {
    get { rare.read { $0.setupComplete } }
    set { rare.fields.setupComplete = newValue }
  }
  /// What the model says.
  public var serverContent: ServerContent?
  /// Calls that the model asks for.
  public var toolCall: ToolCall? {
    get { rare.read { $0.toolCall } }
    set { rare.fields.toolCall = newValue }
  }
  /// Calls that are no longer wanted.
  public var toolCallCancellation: ToolCallCancellation? {
    get { rare.read { $0.toolCallCancellation } }
    set { rare.fields.toolCallCancellation = newValue }
  }
  /// The connection will be cut.
  public var goAway: GoAway?
  /// The state of resumption.
  public var sessionResumptionUpdate: SessionResumptionUpdate?
  /// Tokens used.
  public var usageMetadata: UsageMetadata? {
    get { rare.read { $0.usageMetadata } }
    set { rare.fields.usageMetadata = newValue }
  }
  /// Speech begins or ends.
  public var voiceActivity: VoiceActivity? {
    get { rare.read { $0.voiceActivity } }
    set { rare.fields.voiceActivity = newValue }
  }
  /// An explicit signal of speech.
  public var voiceActivityDetectionSignal: VoiceActivityDetectionSignal? {
    get { rare.read { $0.voiceActivityDetectionSignal } }
    set { rare.fields.voiceActivityDetectionSignal = newValue }
  }
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()
  private var rare = Rarely<RareServerFields>()

  /// Makes a message from its fields.
  public init(
    setupComplete: SetupComplete? = nil, serverContent: ServerContent? = nil,
    toolCall: ToolCall? = nil, toolCallCancellation: ToolCallCancellation? = nil,
    goAway: GoAway? = nil, sessionResumptionUpdate: SessionResumptionUpdate? = nil,
    usageMetadata: UsageMetadata? = nil, voiceActivity: VoiceActivity? = nil,
    voiceActivityDetectionSignal: VoiceActivityDetectionSignal? = nil
  ) {
    self.serverContent = serverContent
    self.goAway = goAway
    self.sessionResumptionUpdate = sessionResumptionUpdate
    if setupComplete != nil || toolCall != nil || toolCallCancellation != nil
      || usageMetadata != nil || voiceActivity != nil || voiceActivityDetectionSignal != nil
    {
      rare.fields = RareServerFields(
        setupComplete: setupComplete, toolCall: toolCall,
        toolCallCancellation: toolCallCancellation, usageMetadata: usageMetadata,
        voiceActivity: voiceActivity, voiceActivityDetectionSignal: voiceActivityDetectionSignal)
    }
  }
}

extension ServerMessage {
  /// Reads one frame. Works on the bytes alone, with memory bounded by a multiple of their number.
  public static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> ServerMessage {
    try ServerMessage(scanning: bytes)
  }

  /// Reads one frame.
  public init(decoding bytes: [UInt8]) throws(WireError) {
    self.init(empty: ())
    // Filled where it is to lie: moving a message costs more than reading a short one.
    if bytes.withUnsafeBytes({ FrameScanner.read($0, into: &self) }) { return }
    self = try bytes.withBytes(ServerMessage.decodeFully)
  }

  private init(scanning bytes: UnsafeRawBufferPointer) throws(WireError) {
    self.init(empty: ())
    if FrameScanner.read(bytes, into: &self) { return }
    self = try ServerMessage.decodeFully(bytes)
  }

  private init(empty: Void) {}

  /// The frame's bytes: compact JSON, camelCase, standard base64, zeros left out.
  public func encoded() -> [UInt8] {
    var copy = self
    let expected = copy.expectedSize()
    return ByteWriter.bytes(expected: expected) { copy.writeWire(to: &$0) }
  }

  /// The frame's bytes in the service's own layout: indented, with a final line break.
  public func encodedWithIndentation() -> [UInt8] { json.encodedWithIndentation() }

  /// Whether nothing in the message is known to this version: a message kind that is new.
  public var isUnknown: Bool {
    guard !unknownFields.isEmpty else { return false }
    var rest = self
    rest.unknownFields = JSONObject()
    return rest == ServerMessage()
  }

  private mutating func expectedSize() -> Int {
    let turn = serverContent?.modelTurn?.expectedSize() ?? 0
    return 128 + turn + (rare.isEmpty ? 0 : 512)
  }

  /// Reads through ``JSONValue``, without the scanner.
  static func decodeFully(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> ServerMessage {
    guard case .object(let object) = try JSONParser.parse(bytes) else {
      throw WireError(.notAnObject, offset: 0)
    }
    do { return try read(object) } catch { throw error.located(in: bytes) }
  }
}

extension ServerMessage: WireMessage {
  static var blank: ServerMessage { ServerMessage() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("serverContent", &serverContent)
    try visitor.field("goAway", &goAway)
    try visitor.field("sessionResumptionUpdate", &sessionResumptionUpdate)
    try visitor.rarely(&rare)
    try visitor.unknown(&unknownFields)
  }
}

/// Fields of ``ServerMessage`` that most messages do not use.
private struct RareServerFields: FieldGroup {
  var setupComplete: SetupComplete?
  var toolCall: ToolCall?
  var toolCallCancellation: ToolCallCancellation?
  var usageMetadata: UsageMetadata?
  var voiceActivity: VoiceActivity?
  var voiceActivityDetectionSignal: VoiceActivityDetectionSignal?

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("setupComplete", &setupComplete)
    try visitor.field("toolCall", &toolCall)
    try visitor.field("toolCallCancellation", &toolCallCancellation)
    try visitor.field("usageMetadata", &usageMetadata)
    try visitor.field("voiceActivity", &voiceActivity)
    try visitor.field("voiceActivityDetectionSignal", &voiceActivityDetectionSignal)
  }
}
