// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// JSON as Foundation reads it, so that fixtures are held against a reader that is not ours.
enum PlainJSON: Codable, Hashable, Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([PlainJSON])
  case object([String: PlainJSON])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([PlainJSON].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: PlainJSON].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .number(let value):
      if let integer = Int64(exactly: value) {
        try container.encode(integer)
      } else {
        try container.encode(value)
      }
    case .string(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }

  init(_ bytes: [UInt8]) throws {
    self = try JSONDecoder().decode(PlainJSON.self, from: Data(bytes))
  }

  /// The value as JSON text, by Foundation.
  var bytes: [UInt8] {
    get throws { try Array(JSONEncoder().encode(self)) }
  }

  subscript(name: String) -> PlainJSON? {
    if case .object(let members) = self { members[name] } else { nil }
  }

  var string: String? {
    if case .string(let value) = self { value } else { nil }
  }

  var array: [PlainJSON]? {
    if case .array(let value) = self { value } else { nil }
  }

  var number: Double? {
    if case .number(let value) = self { value } else { nil }
  }

  var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }
}

// MARK: - Normalisation by schema

/// Brings the spellings that protobuf JSON allows to one, so that values can be compared.
///
/// Written apart from the codec: by names of keys, not by the codec's description of fields.
struct SchemaNormaliser {
  /// Keys whose scalar zero means the same as absence.
  var zerosToDrop: Set<String> = []
  /// Whether every scalar zero means the same as absence, as in what the service sends.
  var dropsAllZeros = false
  /// Keys that are to be left out wherever they stand.
  var ignored: Set<String> = []

  private static let freeForm: Set<String> = [
    "args", "response", "labels", "parametersJsonSchema", "responseJsonSchema",
  ]
  private static let bytes: Set<String> = [
    "data", "voiceSampleAudio", "consentAudio", "thoughtSignature",
  ]
  private static let int64: Set<String> = [
    "triggerTokens", "targetTokens", "lastConsumedClientMessageIndex",
  ]
  private static let durations: Set<String> = [
    "timeLeft", "audioOffset", "startOffset", "endOffset",
  ]
  private static let upperCase: Set<String> = ["interactionStatus"]

  func normalise(_ json: PlainJSON) -> PlainJSON {
    switch json {
    case .array(let elements): .array(elements.map(normalise))
    case .object(let members): .object(object(members))
    default: json
    }
  }

  private func object(_ members: [String: PlainJSON]) -> [String: PlainJSON] {
    var result: [String: PlainJSON] = [:]
    for (key, value) in members {
      let name = Self.camelCase(key)
      guard !ignored.contains(name), let value = member(name, value) else { continue }
      result[name] = value
    }
    return result
  }

  private func member(_ name: String, _ value: PlainJSON) -> PlainJSON? {
    if value == .null { return nil }
    if Self.freeForm.contains(name) { return value }
    if dropsAllZeros || zerosToDrop.contains(name),
      [.bool(false), .number(0), .string("")].contains(value)
    {
      return nil
    }
    if name == "properties", case .object(let properties) = value {
      return .object(properties.mapValues(normalise))
    }
    guard case .string(let text) = value else { return normalise(value) }
    if Self.bytes.contains(name) { return .string(Self.standardBase64(text)) }
    if Self.int64.contains(name), let number = Double(text) { return .number(number) }
    if Self.durations.contains(name) { return Self.duration(text) }
    if Self.upperCase.contains(name) { return .string(text.uppercased()) }
    return value
  }

  static func camelCase(_ key: String) -> String {
    let words = key.split(separator: "_", omittingEmptySubsequences: false)
    return String(words[0])
      + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }
      .joined()
  }

  /// Whole and fractional seconds apart, since a double would round nine decimals.
  private static func duration(_ text: String) -> PlainJSON {
    let parts = text.dropLast().split(separator: ".").map(String.init)
    let fraction = parts.count > 1 ? parts[1] : ""
    return .array([
      .string(parts.first ?? ""),
      .string(fraction + String(repeating: "0", count: 9 - fraction.count)),
    ])
  }

  static func standardBase64(_ text: String) -> String {
    let standard = text.replacing("-", with: "+").replacing("_", with: "/").replacing("=", with: "")
    return standard + String(repeating: "=", count: (4 - standard.count % 4) % 4)
  }
}
