// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// The names of `BidiGenerateContentSetup`, as far as masks and unknown fields are judged by them.
indirect enum SetupSchema: Sendable {
  /// Anything whose inside is not judged here.
  case value
  /// A repeated field: a mask may end at it and not go through it.
  case list
  /// A map: any one name may follow.
  case map
  /// A message with these fields.
  case message([String: SetupSchema])

  /// The setup itself (live-api.md C.2).
  static let setup = SetupSchema.message([
    "model": .value,
    "generationConfig": .message(generationConfig),
    "systemInstruction": .message(["parts": .list, "role": .value]),
    "tools": .list,
    "realtimeInputConfig": .message([
      "automaticActivityDetection": .message([
        "disabled": .value, "startOfSpeechSensitivity": .value, "endOfSpeechSensitivity": .value,
        "prefixPaddingMs": .value, "silenceDurationMs": .value,
      ]),
      "activityHandling": .value, "turnCoverage": .value,
      "interimTranscriptTimestampEnabled": .value,
    ]),
    "sessionResumption": .message(["handle": .value, "transparent": .value]),
    "contextWindowCompression": .message([
      "triggerTokens": .value, "slidingWindow": .message(["targetTokens": .value]),
    ]),
    "inputAudioTranscription": .message(transcription),
    "outputAudioTranscription": .message(transcription),
    "proactivity": .message(["proactiveAudio": .value, "proactiveVideo": .value]),
    "explicitVadSignal": .value,
    "historyConfig": .message(["initialHistoryInClientContent": .value]),
    "avatarConfig": .value,
    "safetySettings": .list,
    "labels": .map,
  ])

  private static let generationConfig: [String: SetupSchema] = {
    let values = [
      "candidateCount", "temperature", "topP", "topK", "maxOutputTokens", "seed",
      "presencePenalty", "frequencyPenalty", "mediaResolution", "speechConfig", "thinkingConfig",
      "enableAffectiveDialog", "translationConfig", "responseLogprobs", "responseMimeType",
      "logprobs", "responseSchema", "responseJsonSchema", "routingConfig", "audioTimestamp",
      "modelSelectionConfig", "enableEnhancedCivicAnswers", "responseFormat",
      "audioTranscriptionConfig",
    ]
    var fields = Dictionary(uniqueKeysWithValues: values.map { ($0, SetupSchema.value) })
    fields["responseModalities"] = .list
    fields["stopSequences"] = .list
    return fields
  }()

  private static let transcription: [String: SetupSchema] = [
    "languageCodes": .list, "customVocabulary": .list, "wordTimestamp": .value,
    "diarization": .value, "mode": .value, "sourceText": .value, "languageAuto": .value,
    "languageHints": .value, "adaptationPhrases": .list,
  ]

  /// A name in camelCase, however it was spelled.
  static func camelCase(_ name: some StringProtocol) -> String {
    guard name.utf8.contains(UInt8(ascii: "_")) else { return String(name) }
    var result = ""
    var raises = false
    for character in name {
      if character == "_" {
        raises = true
      } else {
        result += raises ? character.uppercased() : String(character)
        raises = false
      }
    }
    return result
  }

  /// A name in snake_case, as the service's error texts have it.
  static func snakeCase(_ name: String) -> String {
    var result = ""
    for character in name {
      if character.isUppercase { result += "_" }
      result += character.lowercased()
    }
    return result
  }

  /// The first name in `object` that this message does not have, and the path of the object that
  /// holds it (snake_case, beginning with `place`).
  func unknownName(in object: JSONObject, at place: String) -> (name: String, place: String)? {
    guard let path = unknownPath(in: object), let name = path.last else { return nil }
    let parents = path.dropLast().map { Self.snakeCase(Self.camelCase($0)) }
    return (name, ([place] + parents).joined(separator: "."))
  }

  /// Names from `object` down to the first unknown one.
  private func unknownPath(in object: JSONObject) -> [String]? {
    guard case .message(let fields) = self else { return nil }
    for member in object.members {
      guard let field = fields[Self.camelCase(member.name)] else { return [member.name] }
      guard case .object(let inner) = member.value else { continue }
      if let found = field.unknownPath(in: inner) { return [member.name] + found }
    }
    return nil
  }
}

extension JSONObject {
  /// The value of a member, spelled in camelCase or snake_case; `null` is absent.
  func member(_ camelCase: String) -> JSONValue? {
    let index =
      members.firstIndex { $0.name == camelCase }
      ?? members.firstIndex { SetupSchema.camelCase($0.name) == camelCase }
    guard let index else { return nil }
    if case .null = members[index].value { return nil }
    return members[index].value
  }

  /// Sets or removes a member whatever its spelling.
  mutating func setMember(_ camelCase: String, _ value: JSONValue?) {
    for name in members.map(\.name) where SetupSchema.camelCase(name) == camelCase {
      self[name] = nil
    }
    if let value { self[camelCase] = value }
  }
}
