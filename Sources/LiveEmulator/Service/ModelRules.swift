// SPDX-License-Identifier: Apache-2.0

/// How the scripted model listens and answers.
public struct ModelRules: Sendable, Hashable {
  /// How much an answer says.
  public enum Verbosity: Sendable, Hashable {
    /// Audio chunks paced in time, transcriptions, usage.
    case full
    /// One small chunk of audio and the text: for runs with many sessions.
    case brief
  }

  /// How much an answer says. Default ``Verbosity/full``.
  public var verbosity = Verbosity.full
  /// Without audio for this long, the user has finished speaking. Silent samples (all zero) are no
  /// audio. Default 600 ms.
  public var endOfSpeechSilence: Duration = .milliseconds(600)
  /// From the end of the user's turn to the first answer. Default 300 ms.
  public var thinkingTime: Duration = .milliseconds(300)
  /// Audio of an answer. Default 2 s.
  public var answerLength: Duration = .seconds(2)
  /// Audio of an answer to a text that contains `long`. Default 20 s.
  public var longAnswerLength: Duration = .seconds(20)
  /// Audio in one message. Default 200 ms.
  public var chunkLength: Duration = .milliseconds(200)
  /// Time between two messages of audio: the chunk's length is real time, less is faster. Default
  /// 200 ms.
  public var chunkInterval: Duration = .milliseconds(200)
  /// Whether `turnComplete` waits until the audio has been played [C.3]. Default true.
  public var holdsTurnComplete = true
  /// Whether audio during a pending call cancels it on models that call synchronously [C.5].
  /// Default true.
  public var audioCancelsSynchronousCalls = true
  /// What is called when a session declared no function. Default `lookup`.
  public var defaultFunction = "lookup"
  /// Whether sessions that answer in text are possible. Default true.
  public var speaksText = true
  /// Models that exist, `models/` included; nil means all do. Default nil.
  public var known: Set<String>?
  /// How the last part of every model's name begins, `gemini-` for example; nil means anyhow.
  /// Default nil.
  public var namesBegin: String?
  /// Parts of names that no model has. Default none.
  public var absentNames: [String] = []
  /// Parts of names of models that take `clientContent` only at the start, and call synchronously.
  /// Default `3.1`.
  public var strictNames: [String] = ["3.1"]

  /// The documented defaults.
  public init() {}

  /// Whether there is a model of this name, `models/` included.
  func exists(_ model: String) -> Bool {
    if let known, !known.contains(model) { return false }
    let name = model.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
    if let namesBegin, !name.hasPrefix(namesBegin) { return false }
    return !absentNames.contains { SetupFacts.contains(model, $0) }
  }
}
