// SPDX-License-Identifier: Apache-2.0

/// One piece of a turn. By the schema it carries one kind of data; what comes together is kept
/// together.
public struct Part: Sendable, Hashable, Codable {
  /// Text. A thought of the model if ``thought`` says so.
  public var text: String?
  /// Media bytes, such as a piece of speech.
  public var inlineData: Blob?
  /// A reference to media.
  public var fileData: FileData? {
    get { rare.read { $0.fileData } }
    set { rare.fields.fileData = newValue }
  }
  /// A call of the model.
  public var functionCall: FunctionCall? {
    get { rare.read { $0.functionCall } }
    set { rare.fields.functionCall = newValue }
  }
  /// The result of a call.
  public var functionResponse: FunctionResponse? {
    get { rare.read { $0.functionResponse } }
    set { rare.fields.functionResponse = newValue }
  }
  /// Code that the service ran.
  public var executableCode: ExecutableCode? {
    get { rare.read { $0.executableCode } }
    set { rare.fields.executableCode = newValue }
  }
  /// What that code gave.
  public var codeExecutionResult: CodeExecutionResult? {
    get { rare.read { $0.codeExecutionResult } }
    set { rare.fields.codeExecutionResult = newValue }
  }
  /// Whether this is a thought of the model rather than an answer.
  public var thought: Bool
  /// An opaque signature of a thought, to be sent back with it.
  public var thoughtSignature: [UInt8]? {
    get { rare.read { $0.thoughtSignature } }
    set { rare.fields.thoughtSignature = newValue }
  }
  /// Which stretch of a video is meant, as the service describes it.
  public var videoMetadata: JSONValue? {
    get { rare.read { $0.videoMetadata } }
    set { rare.fields.videoMetadata = newValue }
  }
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()
  private var rare = Rarely<RarePartFields>()

  /// Makes a part from its data.
  public init(
    text: String? = nil, inlineData: Blob? = nil, fileData: FileData? = nil,
    functionCall: FunctionCall? = nil, functionResponse: FunctionResponse? = nil,
    executableCode: ExecutableCode? = nil, codeExecutionResult: CodeExecutionResult? = nil,
    thought: Bool = false, thoughtSignature: [UInt8]? = nil, videoMetadata: JSONValue? = nil
  ) {
    self.text = text
    self.inlineData = inlineData
    self.thought = thought
    if fileData != nil || functionCall != nil || functionResponse != nil || executableCode != nil
      || codeExecutionResult != nil || thoughtSignature != nil || videoMetadata != nil
    {
      rare.fields = RarePartFields(
        fileData: fileData, functionCall: functionCall, functionResponse: functionResponse,
        executableCode: executableCode, codeExecutionResult: codeExecutionResult,
        thoughtSignature: thoughtSignature, videoMetadata: videoMetadata)
    }
  }
}

extension Part: WireMessage {
  static var blank: Part { Part() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("text", &text)
    try visitor.field("inlineData", &inlineData)
    try visitor.field("thought", &thought)
    try visitor.rarely(&rare)
    try visitor.unknown(&unknownFields)
  }
}

/// Fields of ``Part`` that most messages do not use.
private struct RarePartFields: FieldGroup {
  var fileData: FileData?
  var functionCall: FunctionCall?
  var functionResponse: FunctionResponse?
  var executableCode: ExecutableCode?
  var codeExecutionResult: CodeExecutionResult?
  var thoughtSignature: [UInt8]?
  var videoMetadata: JSONValue?

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("fileData", &fileData)
    try visitor.field("functionCall", &functionCall)
    try visitor.field("functionResponse", &functionResponse)
    try visitor.field("executableCode", &executableCode)
    try visitor.field("codeExecutionResult", &codeExecutionResult)
    try visitor.bytes("thoughtSignature", &thoughtSignature)
    try visitor.field("videoMetadata", &videoMetadata)
  }
}
