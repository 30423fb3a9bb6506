// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// What the service needs to know of a setup, and nothing else of it: kept per session.
struct SetupFacts: Sendable, Hashable {
  struct Options: OptionSet, Sendable, Hashable {
    let rawValue: UInt16
    static let answersInText = Options(rawValue: 1)
    static let transcribesInput = Options(rawValue: 1 << 1)
    static let transcribesOutput = Options(rawValue: 1 << 2)
    /// The client marks activity itself.
    static let manualActivity = Options(rawValue: 1 << 3)
    /// Speech does not interrupt.
    static let noInterruption = Options(rawValue: 1 << 4)
    static let compresses = Options(rawValue: 1 << 5)
    /// The first client content is history and starts no turn.
    static let beginsWithHistory = Options(rawValue: 1 << 6)
    static let asksForHandles = Options(rawValue: 1 << 7)
    static let transparent = Options(rawValue: 1 << 8)
    /// A model that takes client content only at the start, and calls synchronously.
    static let strictModel = Options(rawValue: 1 << 9)
  }

  var model = ""
  var label: String?
  /// The first function that was declared.
  var function: String?
  var options: Options = []

  /// Reads the setup that takes effect; also answers the handle in it.
  static func read(
    _ setup: JSONObject, rules: ModelRules
  ) -> (facts: SetupFacts, handle: Secret?) {
    var facts = SetupFacts()
    facts.model = setup.member("model")?.stringValue ?? ""
    facts.label = setup.member("labels")?.objectValue?["session"]?.stringValue
    facts.function = firstFunction(setup.member("tools"))
    facts.readSwitches(setup)
    facts.readActivity(setup.member("realtimeInputConfig")?.objectValue)
    if rules.strictNames.contains(where: { contains(facts.model, $0) }) {
      facts.options.insert(.strictModel)
    }
    var handle: Secret?
    if let resumption = setup.member("sessionResumption")?.objectValue {
      facts.options.insert(.asksForHandles)
      if resumption.member("transparent")?.boolValue == true { facts.options.insert(.transparent) }
      if let text = resumption.member("handle")?.stringValue, !text.isEmpty {
        handle = Secret(text)
      }
    }
    return (facts, handle)
  }

  private mutating func readSwitches(_ setup: JSONObject) {
    let generation = setup.member("generationConfig")?.objectValue
    let modalities = generation?.member("responseModalities")?.arrayValue ?? []
    if modalities.contains(where: { $0.stringValue?.uppercased() == "TEXT" }) {
      options.insert(.answersInText)
    }
    if setup.member("inputAudioTranscription") != nil { options.insert(.transcribesInput) }
    if setup.member("outputAudioTranscription") != nil { options.insert(.transcribesOutput) }
    if setup.member("contextWindowCompression") != nil { options.insert(.compresses) }
    let history = setup.member("historyConfig")?.objectValue
    if history?.member("initialHistoryInClientContent")?.boolValue == true {
      options.insert(.beginsWithHistory)
    }
  }

  private mutating func readActivity(_ config: JSONObject?) {
    let detection = config?.member("automaticActivityDetection")?.objectValue
    if detection?.member("disabled")?.boolValue == true { options.insert(.manualActivity) }
    if config?.member("activityHandling")?.stringValue == "NO_INTERRUPTION" {
      options.insert(.noInterruption)
    }
  }

  private static func firstFunction(_ tools: JSONValue?) -> String? {
    for tool in tools?.arrayValue ?? [] {
      let declarations = tool.objectValue?.member("functionDeclarations")?.arrayValue ?? []
      for declaration in declarations {
        if let name = declaration.objectValue?.member("name")?.stringValue { return name }
      }
    }
    return nil
  }

  static func contains(_ text: String, _ part: String) -> Bool {
    let text = Array(text.utf8)
    let part = Array(part.utf8)
    guard !part.isEmpty, text.count >= part.count else { return false }
    return (0...(text.count - part.count)).contains { text[$0...].starts(with: part) }
  }
}
