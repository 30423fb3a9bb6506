// SPDX-License-Identifier: Apache-2.0

/// One piece of a turn. By the schema it carries one kind of data; what comes together is kept
/// together.
public struct Part: Sendable, Hashable, Codable {
  /// Text. A thought of the model if ``thought`` says so.
  public var text: String?
  /// Media bytes, such as a piece of speech.
  public var inlineData: Blob?
  /// A reference to media.
  public var fileData: FileData?
  /// A call of the model.
  public var functionCall: FunctionCall?
  /// The result of a call.
  public var functionResponse: FunctionResponse?
  /// Code that the service ran.
  public var executableCode: ExecutableCode?
  /// What that code gave.
  public var codeExecutionResult: CodeExecutionResult?
  /// Whether this is a thought of the model rather than an answer.
  public var thought: Bool
  /// An opaque signature of a thought, to be sent back with it.
  public var thoughtSignature: [UInt8]?
  /// Which stretch of a video is meant, as the service describes it.
  public var videoMetadata: JSONValue?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a part from its data.
  public init(
    text: String? = nil, inlineData: Blob? = nil, fileData: FileData? = nil,
    functionCall: FunctionCall? = nil, functionResponse: FunctionResponse? = nil,
    executableCode: ExecutableCode? = nil, codeExecutionResult: CodeExecutionResult? = nil,
    thought: Bool = false, thoughtSignature: [UInt8]? = nil, videoMetadata: JSONValue? = nil
  ) {
    self.text = text
    self.inlineData = inlineData
    self.fileData = fileData
    self.functionCall = functionCall
    self.functionResponse = functionResponse
    self.executableCode = executableCode
    self.codeExecutionResult = codeExecutionResult
    self.thought = thought
    self.thoughtSignature = thoughtSignature
    self.videoMetadata = videoMetadata
  }
}

extension Part: WireMessage {
  static var blank: Part { Part() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("text", &text)
    try visitor.field("inlineData", &inlineData)
    try visitor.field("fileData", &fileData)
    try visitor.field("functionCall", &functionCall)
    try visitor.field("functionResponse", &functionResponse)
    try visitor.field("executableCode", &executableCode)
    try visitor.field("codeExecutionResult", &codeExecutionResult)
    try visitor.field("thought", &thought)
    try visitor.bytes("thoughtSignature", &thoughtSignature)
    try visitor.field("videoMetadata", &videoMetadata)
    try visitor.unknown(&unknownFields)
  }
}
