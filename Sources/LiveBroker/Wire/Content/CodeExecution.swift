// SPDX-License-Identifier: Apache-2.0

/// Code that the model wrote to be run by the service.
public struct ExecutableCode: Sendable, Hashable, Codable {
  /// Ties code and result together.
  public var id: String?
  /// The language of the code.
  public var language: CodeLanguage?
  /// The code.
  public var code: String
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(id: String? = nil, language: CodeLanguage? = nil, code: String = "") {
    self.id = id
    self.language = language
    self.code = code
  }
}

extension ExecutableCode: WireMessage {
  static var blank: ExecutableCode { ExecutableCode() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("id", &id)
    try visitor.field("language", &language)
    try visitor.field("code", &code)
    try visitor.unknown(&unknownFields)
  }
}

/// What running the code gave.
public struct CodeExecutionResult: Sendable, Hashable, Codable {
  /// The id of the code.
  public var id: String?
  /// How it ended.
  public var outcome: CodeExecutionOutcome?
  /// Standard output, or an error message.
  public var output: String
  /// Members that this version does not know, as they came. They are written again.
  public var unknownFields = JSONObject()

  /// Makes a value from its parts.
  public init(id: String? = nil, outcome: CodeExecutionOutcome? = nil, output: String = "") {
    self.id = id
    self.outcome = outcome
    self.output = output
  }
}

extension CodeExecutionResult: WireMessage {
  static var blank: CodeExecutionResult { CodeExecutionResult() }

  mutating func visitFields<V: FieldVisitor>(_ visitor: inout V) throws(WireError) {
    try visitor.field("id", &id)
    try visitor.field("outcome", &outcome)
    try visitor.field("output", &output)
    try visitor.unknown(&unknownFields)
  }
}

/// A programming language of generated code.
public struct CodeLanguage: RawRepresentable, Sendable, Hashable, Codable {
  /// The name on the wire.
  public var rawValue: String
  /// Takes any name, known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Python with the service's set of packages.
  public static let python = CodeLanguage(rawValue: "PYTHON")
}

extension CodeLanguage: OpenEnum {}

/// How generated code ended.
public struct CodeExecutionOutcome: RawRepresentable, Sendable, Hashable, Codable {
  /// The name on the wire.
  public var rawValue: String
  /// Takes any name, known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// It ran to its end.
  public static let ok = CodeExecutionOutcome(rawValue: "OUTCOME_OK")
  /// It failed; the output holds the error.
  public static let failed = CodeExecutionOutcome(rawValue: "OUTCOME_FAILED")
  /// It ran too long and was stopped.
  public static let deadlineExceeded = CodeExecutionOutcome(rawValue: "OUTCOME_DEADLINE_EXCEEDED")
}

extension CodeExecutionOutcome: OpenEnum {}
