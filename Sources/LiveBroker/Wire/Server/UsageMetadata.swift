// SPDX-License-Identifier: Apache-2.0

/// Tokens used. A count that the service left out is 0. Vertex names the counts of the answer
/// `candidates…`; both names are read.
public struct UsageMetadata: Sendable, Hashable, Codable {
  /// Tokens of the prompt, context included.
  public var promptTokenCount: Int
  /// Tokens of the prompt that came from a cache.
  public var cachedContentTokenCount: Int
  /// Tokens of the answer.
  public var responseTokenCount: Int
  /// Tokens of prompts for tools.
  public var toolUsePromptTokenCount: Int
  /// Tokens of thoughts.
  public var thoughtsTokenCount: Int
  /// All together.
  public var totalTokenCount: Int
  /// The prompt by kind.
  public var promptTokensDetails: [ModalityTokenCount]
  /// The cache by kind.
  public var cacheTokensDetails: [ModalityTokenCount]
  /// The answer by kind.
  public var responseTokensDetails: [ModalityTokenCount]
  /// Tool prompts by kind.
  public var toolUsePromptTokensDetails: [ModalityTokenCount]
  /// How it is billed, on Vertex.
  public var trafficType: TrafficType?
  /// The tier that served it.
  public var serviceTier: String?
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(
    promptTokenCount: Int = 0, cachedContentTokenCount: Int = 0, responseTokenCount: Int = 0,
    toolUsePromptTokenCount: Int = 0, thoughtsTokenCount: Int = 0, totalTokenCount: Int = 0,
    promptTokensDetails: [ModalityTokenCount] = [], cacheTokensDetails: [ModalityTokenCount] = [],
    responseTokensDetails: [ModalityTokenCount] = [],
    toolUsePromptTokensDetails: [ModalityTokenCount] = [], trafficType: TrafficType? = nil,
    serviceTier: String? = nil
  ) {
    self.promptTokenCount = promptTokenCount
    self.cachedContentTokenCount = cachedContentTokenCount
    self.responseTokenCount = responseTokenCount
    self.toolUsePromptTokenCount = toolUsePromptTokenCount
    self.thoughtsTokenCount = thoughtsTokenCount
    self.totalTokenCount = totalTokenCount
    self.promptTokensDetails = promptTokensDetails
    self.cacheTokensDetails = cacheTokensDetails
    self.responseTokensDetails = responseTokensDetails
    self.toolUsePromptTokensDetails = toolUsePromptTokensDetails
    self.trafficType = trafficType
    self.serviceTier = serviceTier
  }
}

extension UsageMetadata: WireMessage {
  static var blank: UsageMetadata { UsageMetadata() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("promptTokenCount", &promptTokenCount)
    try visitor.field("cachedContentTokenCount", &cachedContentTokenCount)
    try visitor.field("responseTokenCount", &responseTokenCount)
    try visitor.alias("candidatesTokenCount", &responseTokenCount)
    try visitor.field("toolUsePromptTokenCount", &toolUsePromptTokenCount)
    try visitor.field("thoughtsTokenCount", &thoughtsTokenCount)
    try visitor.field("totalTokenCount", &totalTokenCount)
    try visitor.field("promptTokensDetails", &promptTokensDetails)
    try visitor.field("cacheTokensDetails", &cacheTokensDetails)
    try visitor.field("responseTokensDetails", &responseTokensDetails)
    try visitor.alias("candidatesTokensDetails", &responseTokensDetails)
    try visitor.field("toolUsePromptTokensDetails", &toolUsePromptTokensDetails)
    try visitor.field("trafficType", &trafficType)
    try visitor.field("serviceTier", &serviceTier)
    try visitor.unknown(&unknownFields)
  }
}

/// Tokens of one kind of content.
public struct ModalityTokenCount: Sendable, Hashable, Codable {
  /// The kind.
  public var modality: Modality?
  /// The tokens.
  public var tokenCount: Int
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(modality: Modality? = nil, tokenCount: Int = 0) {
    self.modality = modality
    self.tokenCount = tokenCount
  }
}

extension ModalityTokenCount: WireMessage {
  static var blank: ModalityTokenCount { ModalityTokenCount() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("modality", &modality)
    try visitor.field("tokenCount", &tokenCount)
    try visitor.unknown(&unknownFields)
  }
}

/// How traffic is billed on Vertex.
public struct TrafficType: RawRepresentable, Sendable, Hashable, Codable {
  /// The name on the wire.
  public var rawValue: String
  /// Takes any name, known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// By use.
  public static let onDemand = TrafficType(rawValue: "ON_DEMAND")
  /// From a reserved amount.
  public static let provisionedThroughput = TrafficType(rawValue: "PROVISIONED_THROUGHPUT")
}

extension TrafficType: OpenEnum {}
