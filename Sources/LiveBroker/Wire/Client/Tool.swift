// SPDX-License-Identifier: Apache-2.0

/// What the model may use: declared functions or tools of the service.
public struct Tool: Sendable, Hashable, Codable {
  /// Functions that the client runs.
  public var functionDeclarations: [FunctionDeclaration]
  /// Search by the service; presence, even empty, turns it on.
  public var googleSearch: JSONObject?
  /// Code run by the service; presence turns it on.
  public var codeExecution: JSONObject?
  /// Reading of addresses; presence turns it on.
  public var urlContext: JSONObject?
  /// Search of older models.
  public var googleSearchRetrieval: JSONObject?
  /// Retrieval from one's own store.
  public var retrieval: JSONObject?
  /// Search for enterprises, on Vertex.
  public var enterpriseWebSearch: JSONObject?
  /// Maps.
  public var googleMaps: JSONObject?
  /// Control of a computer.
  public var computerUse: JSONObject?
  /// Search in uploaded files.
  public var fileSearch: JSONObject?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(
    functionDeclarations: [FunctionDeclaration] = [], googleSearch: JSONObject? = nil,
    codeExecution: JSONObject? = nil, urlContext: JSONObject? = nil,
    googleSearchRetrieval: JSONObject? = nil, retrieval: JSONObject? = nil,
    enterpriseWebSearch: JSONObject? = nil, googleMaps: JSONObject? = nil,
    computerUse: JSONObject? = nil, fileSearch: JSONObject? = nil
  ) {
    self.functionDeclarations = functionDeclarations
    self.googleSearch = googleSearch
    self.codeExecution = codeExecution
    self.urlContext = urlContext
    self.googleSearchRetrieval = googleSearchRetrieval
    self.retrieval = retrieval
    self.enterpriseWebSearch = enterpriseWebSearch
    self.googleMaps = googleMaps
    self.computerUse = computerUse
    self.fileSearch = fileSearch
  }
}

extension Tool: WireMessage {
  static var blank: Tool { Tool() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("functionDeclarations", &functionDeclarations)
    try visitor.field("googleSearch", &googleSearch)
    try visitor.field("codeExecution", &codeExecution)
    try visitor.field("urlContext", &urlContext)
    try visitor.field("googleSearchRetrieval", &googleSearchRetrieval)
    try visitor.field("retrieval", &retrieval)
    try visitor.field("enterpriseWebSearch", &enterpriseWebSearch)
    try visitor.field("googleMaps", &googleMaps)
    try visitor.field("computerUse", &computerUse)
    try visitor.field("fileSearch", &fileSearch)
    try visitor.unknown(&unknownFields)
  }
}

/// A function that the model may call.
public struct FunctionDeclaration: Sendable, Hashable, Codable {
  /// Its name.
  public var name: String
  /// What it does; the model reads this.
  public var description: String?
  /// Its parameters.
  public var parameters: Schema?
  /// Its parameters as a JSON schema, instead. Free-form, never renamed.
  public var parametersJsonSchema: JSONValue?
  /// Its result.
  public var response: Schema?
  /// Its result as a JSON schema, instead. Free-form, never renamed.
  public var responseJsonSchema: JSONValue?
  /// Whether the model waits for the result. The default differs between models.
  public var behavior: FunctionBehavior?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(
    name: String, description: String? = nil, parameters: Schema? = nil,
    parametersJsonSchema: JSONValue? = nil, response: Schema? = nil,
    responseJsonSchema: JSONValue? = nil, behavior: FunctionBehavior? = nil
  ) {
    self.name = name
    self.description = description
    self.parameters = parameters
    self.parametersJsonSchema = parametersJsonSchema
    self.response = response
    self.responseJsonSchema = responseJsonSchema
    self.behavior = behavior
  }
}

extension FunctionDeclaration: WireMessage {
  static var blank: FunctionDeclaration { FunctionDeclaration(name: "") }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("name", &name)
    try visitor.field("description", &description)
    try visitor.field("parameters", &parameters)
    try visitor.field("parametersJsonSchema", &parametersJsonSchema)
    try visitor.field("response", &response)
    try visitor.field("responseJsonSchema", &responseJsonSchema)
    try visitor.field("behavior", &behavior)
    try visitor.unknown(&unknownFields)
  }
}

/// Whether the model waits for a function's result.
public struct FunctionBehavior: RawRepresentable, Sendable, Hashable, Codable {
  /// The name on the wire.
  public var rawValue: String
  /// Takes any name, known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// It waits.
  public static let blocking = FunctionBehavior(rawValue: "BLOCKING")
  /// It goes on; see ``FunctionResponseScheduling``.
  public static let nonBlocking = FunctionBehavior(rawValue: "NON_BLOCKING")
}

extension FunctionBehavior: OpenEnum {}
