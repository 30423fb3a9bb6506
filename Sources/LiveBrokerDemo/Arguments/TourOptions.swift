// SPDX-License-Identifier: Apache-2.0

/// When the old connection makes way for the new one in a planned move.
enum Handover: String, CaseIterable, Sendable {
  /// The setup goes out once the old connection's close has been answered.
  case afterClose
  /// The setup goes out right behind the close.
  case optimistic
}

/// What the sessions of a tour speak.
enum SpeechSource: Equatable, Sendable {
  /// The recording that is built into the program.
  case builtIn
  /// A WAV file of the user.
  case file(String)
  /// Nothing: the sessions take text turns only.
  case none
}

/// What the user wants of a tour. Every property has been checked against its range.
struct TourOptions: Equatable, Sendable {
  /// How many sessions run at the same time.
  var sessions = 100
  /// How long the run lasts, in minutes of virtual time.
  var minutes = 65.0
  /// Chooses every delay and every choice of the run.
  var seed: UInt64 = 1
  /// The moment in which the service drops every connection, as it was asked for.
  var storm = Storm.byDefault
  /// How many upgrades per second the service admits; nil for any number.
  var admittedPerSecond: Int?
  /// One round trip between the broker and the service.
  var roundTrip = Duration.milliseconds(50)
  /// How long the service holds an old socket for open after its close has been processed.
  var releaseLag = Duration.zero
  var handover = Handover.afterClose
  var speech = SpeechSource.builtIn
  /// Where every event of network and service is written, a line each.
  var traceFile: String?
  /// Whether the result is one line of JSON instead of a table.
  var printsJSON = false

  enum Storm: Equatable, Sendable {
    /// At ``TourOptions/defaultStormMinute``, if the run lasts beyond it.
    case byDefault
    case none
    case at(minute: Double)
  }

  static let defaultStormMinute = 31.0

  /// The length of the run.
  var length: Duration { .seconds(minutes * 60) }

  /// The moment of the storm, counted from the beginning of the run; nil if there is none.
  var stormAt: Duration? {
    switch storm {
    case .none: nil
    case .at(let minute): .seconds(minute * 60)
    case .byDefault:
      Self.defaultStormMinute < minutes ? .seconds(Self.defaultStormMinute * 60) : nil
    }
  }

  init() {}

  /// Reads the arguments that stand behind the subcommand's name.
  init(arguments: some Sequence<String>) throws(UsageError) {
    try Self.flags.parse(arguments, into: &self)
    if case .at(let minute) = storm, minute >= minutes {
      throw UsageError(
        "--storm-at: minute \(decimalText(minute)) is not before the end of the run at minute "
          + decimalText(minutes))
    }
  }
}

extension TourOptions {
  static let flags = FlagSet<TourOptions>([
    Flag("sessions", "N", "sessions that run at the same time (default 100)") {
      options, text throws(UsageError) in
      options.sessions = try FlagValue.integer(text, in: 1...1_000_000)
    },
    Flag("minutes", "M", "length of the run in minutes of virtual time (default 65)") {
      options, text throws(UsageError) in
      options.minutes = try FlagValue.decimal(text, in: 0.1...100_000)
    },
    Flag("seed", "N", "chooses every delay and choice; the same seed, the same run (default 1)") {
      options, text throws(UsageError) in
      options.seed = try FlagValue.integer(text, in: 0...UInt64.max)
    },
    Flag(
      "storm-at", "MINUTE|none",
      "minute in which the service drops every connection at once (default 31, if the run lasts longer)"
    ) { options, text throws(UsageError) in
      options.storm =
        text == "none" ? .none : .at(minute: try FlagValue.decimal(text, in: 0...100_000))
    },
    Flag(
      "admit", "N",
      "upgrades per second that the service admits, with 10 ms of burst; the others get HTTP 503 (default: all)"
    ) { options, text throws(UsageError) in
      options.admittedPerSecond = try FlagValue.integer(text, in: 1...10_000_000)
    },
    Flag("rtt", "TIME", "round trip to the service (default 50ms; a plain number is milliseconds)")
    { options, text throws(UsageError) in
      options.roundTrip = try FlagValue.duration(text, in: .zero ... .seconds(10))
    },
    Flag(
      "release-lag", "TIME",
      "how long the service counts an old socket as open after its close was processed (default 0)"
    ) { options, text throws(UsageError) in
      options.releaseLag = try FlagValue.duration(text, in: .zero ... .seconds(60))
    },
    Flag(
      "handover", "afterClose|optimistic",
      "whether the new connection's setup waits for the old one's close to be answered (default afterClose)"
    ) { options, text throws(UsageError) in
      options.handover = try FlagValue.choice(text)
    },
    Flag(
      "audio", "FILE|none",
      "what the sessions speak: a WAV file (PCM, 16 bit, mono, 16 kHz), or none for text turns only (default: built in)"
    ) { options, text throws(UsageError) in
      options.speech = text == "none" ? .none : .file(text)
    },
    Flag("trace", "FILE", "writes every event of network and service, a line each") {
      options, text throws(UsageError) in
      options.traceFile = text
    },
    Flag("json", "prints the result as one line of JSON, without timeline and table") {
      $0.printsJSON = true
    },
  ])
}
