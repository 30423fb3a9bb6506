// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBrokerDemo

@Suite struct TourOptionsTests {
  @Test func withoutArgumentsTheDefaultsHold() throws {
    let options = try TourOptions(arguments: [])
    #expect(options.sessions == 100)
    #expect(options.minutes == 65)
    #expect(options.length == .seconds(3900))
    #expect(options.seed == 1)
    #expect(options.stormAt == .seconds(31 * 60))
    #expect(options.admittedPerSecond == nil)
    #expect(options.roundTrip == .milliseconds(50))
    #expect(options.releaseLag == .zero)
    #expect(options.handover == .afterClose)
    #expect(options.speech == .builtIn)
    #expect(options.traceFile == nil)
    #expect(!options.printsJSON)
  }

  @Test func everyFlagIsRead() throws {
    let options = try TourOptions(
      arguments: [
        "--sessions", "20000", "--minutes=12.5", "--seed", "18446744073709551615", "--storm-at=5.5",
        "--admit", "1000", "--rtt", "80", "--release-lag=1.5s", "--handover", "optimistic",
        "--audio", "my voice.wav", "--trace=out=1.txt", "--json",
      ])
    #expect(options.sessions == 20_000)
    #expect(options.length == .seconds(750))
    #expect(options.seed == .max)
    #expect(options.stormAt == .seconds(330))
    #expect(options.admittedPerSecond == 1000)
    #expect(options.roundTrip == .milliseconds(80))
    #expect(options.releaseLag == .milliseconds(1500))
    #expect(options.handover == .optimistic)
    #expect(options.speech == .file("my voice.wav"))
    #expect(options.traceFile == "out=1.txt")
    #expect(options.printsJSON)
  }

  @Test func noneTurnsOffTheStormAndTheSpeech() throws {
    let options = try TourOptions(arguments: ["--storm-at", "none", "--audio", "none"])
    #expect(options.stormAt == nil)
    #expect(options.speech == .none)
  }

  @Test func theDefaultStormIsLeftOutOfARunThatEndsBeforeIt() throws {
    #expect(try TourOptions(arguments: ["--minutes", "31"]).stormAt == nil)
    #expect(try TourOptions(arguments: ["--minutes", "31.1"]).stormAt == .seconds(1860))
  }

  @Test(arguments: [
    (["--sesions", "5"], "unknown flag '--sesions'; did you mean --sessions?"),
    (["--stormat=5"], "unknown flag '--stormat=5'; did you mean --storm-at?"),
    (["-seed", "5"], "unknown flag '-seed'; did you mean --seed?"),
    (["--wibble"], "unknown flag '--wibble'"),
    (["--"], "unknown flag '--'"),
    (["five"], "unexpected argument 'five'"),
    (["-"], "unexpected argument '-'"),
    ([""], "unexpected argument ''"),
    (["--sessions"], "--sessions needs a value (N)"),
    (["--sessions", "--json"], "--sessions needs a value (N)"),
    (["--sessions="], "--sessions needs a value (N)"),
    (["--trace", ""], "--trace needs a value (FILE)"),
    (["--sessions", "many"], "--sessions: 'many' is not a whole number"),
    (["--sessions", "1.5"], "--sessions: '1.5' is not a whole number"),
    (["--sessions", "+5"], "--sessions: '+5' is not a whole number"),
    (["--sessions", "0"], "--sessions: 0 is not within 1 and 1000000"),
    (["--sessions", "-5"], "--sessions: -5 is not within 1 and 1000000"),
    (
      ["--sessions", "99999999999999999999"],
      "--sessions: 99999999999999999999 is not within 1 and 1000000"
    ),
    (["--seed", "-1"], "--seed: -1 is not within 0 and 18446744073709551615"),
    (["--minutes", "soon"], "--minutes: 'soon' is not a number"),
    (["--minutes", "nan"], "--minutes: 'nan' is not a number"),
    (["--minutes", "inf"], "--minutes: 'inf' is not a number"),
    (["--minutes", "1e9"], "--minutes: '1e9' is not a number"),
    (["--minutes", "0"], "--minutes: 0 is not within 0.1 and 100000"),
    (["--storm-at", "never"], "--storm-at: 'never' is not a number"),
    (["--storm-at", "-1"], "--storm-at: -1 is not within 0 and 100000"),
    (
      ["--storm-at", "20", "--minutes", "20"],
      "--storm-at: minute 20 is not before the end of the run at minute 20"
    ),
    (["--admit", "0"], "--admit: 0 is not within 1 and 10000000"),
    (["--rtt", "fast"], "--rtt: 'fast' is not a duration; write it like 50ms, 1.5s or 10m"),
    (["--rtt", "ms"], "--rtt: 'ms' is not a duration; write it like 50ms, 1.5s or 10m"),
    (["--rtt", "-50ms"], "--rtt: -50ms is not within 0 and 10s"),
    (["--rtt", "11s"], "--rtt: 11s is not within 0 and 10s"),
    (["--rtt", "999999999999h"], "--rtt: 999999999999h is too long"),
    (["--release-lag", "2m"], "--release-lag: 2m is not within 0 and 60s"),
    (
      ["--handover", "optimist"],
      "--handover: 'optimist' is not one of afterClose, optimistic; did you mean optimistic?"
    ),
    (["--json=yes"], "--json takes no value"),
    (["--json", "--json"], "--json is given more than once"),
    (["--seed", "1", "--seed=1"], "--seed is given more than once"),
  ])
  func aWrongArgumentIsRefusedWithAReason(_ arguments: [String], _ message: String) {
    let error = #expect(throws: UsageError.self) { try TourOptions(arguments: arguments) }
    #expect(error?.description == message)
  }

  @Test(arguments: [
    ("50", Duration.milliseconds(50)), ("50ms", .milliseconds(50)), ("0", .zero),
    ("0.5", .microseconds(500)), ("250us", .microseconds(250)), ("1.5s", .milliseconds(1500)),
    ("10m", .seconds(600)), ("1h", .seconds(3600)),
  ])
  func durationsAreReadInEveryUnit(_ text: String, _ duration: Duration) throws {
    #expect(try FlagValue.duration(text, in: .zero ... .seconds(7200)) == duration)
  }
}

@Suite struct CommandLineCallTests {
  private func shown(_ arguments: [String]) throws -> String? {
    if case .show(let text) = try CommandLineCall(arguments) { text } else { nil }
  }

  @Test(arguments: [[], ["tour"]])
  func theTourIsTheDefault(_ arguments: [String]) throws {
    guard case .run(let command) = try CommandLineCall(arguments) else {
      Issue.record("nothing to run")
      return
    }
    #expect((command as? TourCommand)?.options == TourOptions())
  }

  @Test func helpNamesEveryFlagAndFitsTheScreen() throws {
    for arguments in [["--help"], ["-h"], ["tour", "--help"], ["--seed", "1", "--help"]] {
      let text = try #require(try shown(arguments))
      for flag in TourOptions.flags.flags { #expect(text.contains("--\(flag.name)")) }
      #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }
  }

  @Test func theVersionIsShown() throws {
    #expect(try shown(["--version"]) == "LiveBrokerDemo \(CommandLineCall.version)")
  }

  @Test func anUnknownSubcommandIsRefused() {
    let near = #expect(throws: UsageError.self) { try CommandLineCall(["tuor"]) }
    #expect(near?.description == "unknown subcommand 'tuor'; did you mean tour?")
    let far = #expect(throws: UsageError.self) { try CommandLineCall(["bicycle"]) }
    #expect(far?.description == "unknown subcommand 'bicycle'")
  }

  @Test(arguments: [
    ("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("abc", "abd", 1), ("abc", "acb", 1),
    ("kitten", "sitting", 3), ("ab", "xaby", 2),
  ])
  func editDistanceCountsInsertionsDeletionsReplacementsAndSwaps(
    _ a: String, _ b: String, _ distance: Int
  ) {
    #expect(editDistance(a, b) == distance)
    #expect(editDistance(b, a) == distance)
  }
}
