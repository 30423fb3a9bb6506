// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker

/// What the user wants of a talk. Every property has been checked against its range.
struct TalkOptions: Sendable {
  /// A model of the real service that takes text and speech; the emulated one takes any `gemini-…`.
  static let defaultModel = "gemini-2.5-flash-native-audio-preview-12-2025"

  /// What the sessions are given.
  enum Input: Equatable, Sendable {
    /// Lines of text from standard input, for one session.
    case typed
    /// Speech, from a recording.
    case speech(SpeechSource)
    /// Text turns by a script, for many sessions.
    case scriptedText
  }

  /// Where the service is; nil for the real one.
  var endpoint: LiveEndpoint?
  /// Whom to trust besides nobody: certificates in a PEM file; nil for whom the host trusts.
  var authority: String?
  var model = defaultModel
  var sessions = 1
  /// How long it lasts; nil until the input ends.
  var minutes: Double?
  /// What `--audio` said, if anything.
  var speech: SpeechSource?
  /// Where the model's voice is written.
  var saveFile: String?
  /// What is asked for when minting; nil for what the service gives by itself.
  var tokenLifetime: Duration?
  var newSessionWindow: Duration?
  var handover = Handover.afterClose
  /// Chooses what each of many sessions says and when.
  var seed: UInt64 = 1
  var printsJSON = false

  init() {}

  /// Reads the arguments that stand behind the subcommand's name.
  init(arguments: some Sequence<String>) throws(UsageError) {
    try Self.flags.parse(arguments, into: &self)
    if saveFile != nil, sessions > 1 {
      throw UsageError("--save keeps one voice, and --sessions asks for \(sessions)")
    }
    if authority != nil, endpoint?.usesTLS == false {
      throw UsageError("--ca is of no use at an endpoint without TLS")
    }
    if let tokenLifetime, let newSessionWindow, newSessionWindow > tokenLifetime {
      throw UsageError(
        "--new-session-window: \(durationText(newSessionWindow)) is more than the token's lifetime, "
          + durationText(tokenLifetime))
    }
  }

  var input: Input {
    switch (speech, sessions) {
    case (nil, 1), (.some(.none), 1): .typed
    case (.some(.none), _): .scriptedText
    case (nil, _): .speech(.builtIn)
    case (let source?, _): .speech(source)
    }
  }

  /// How long it lasts; nil until the input ends. Many sessions have no end of their own.
  var length: Duration? {
    (minutes ?? (sessions > 1 ? 1 : nil)).map { .seconds($0 * 60) }
  }
}
#endif
