// SPDX-License-Identifier: Apache-2.0

#if NIO
import Foundation
import LiveBroker
import LiveEmulator
import Synchronization
import Testing

@testable import LiveBrokerDemo

/// Talks over loopback with a server in the same process, as fast as its model answers.
@Suite(.timeLimit(.minutes(2)), .serialized) struct TalkTests {
  /// What a talk wrote.
  private final class Paper: Sendable {
    private let texts = Mutex((out: "", err: ""))
    private let awaited = Mutex<(words: String, action: @Sendable () -> Void)?>(nil)
    var out: String { texts.withLock { $0.out } }
    var err: String { texts.withLock { $0.err } }

    func screen(_ options: TalkOptions) -> TalkScreen {
      TalkScreen(
        .lines, sessions: options.sessions, length: options.length,
        out: { text in self.texts.withLock { $0.out += text } },
        err: { text in
          self.texts.withLock { $0.err += text }
          self.look()
        })
    }

    /// Does `action` once these words have been told.
    func once(_ words: String, _ action: @escaping @Sendable () -> Void) {
      awaited.withLock { $0 = (words, action) }
    }

    private func look() {
      let action =
        awaited.withLock { awaited in
          guard let words = awaited?.words, err.contains(words) else { return nil }
          defer { awaited = nil }
          return awaited?.action
        } as (@Sendable () -> Void)?
      action?()
    }
  }

  private static func server() -> EmulatorServerConfiguration {
    var configuration = EmulatorServerConfiguration()
    configuration.port = 0
    configuration.service.model.namesBegin = "gemini-"
    configuration.service.model.answerLength = .milliseconds(100)
    configuration.service.model.chunkLength = .milliseconds(50)
    configuration.service.model.chunkInterval = .milliseconds(10)
    configuration.service.model.thinkingTime = .milliseconds(10)
    configuration.service.credentials.refusedKeys = [Secret("bad-key")]
    configuration.service.accounts.audioDigestsKept = 1 << 16
    return configuration
  }

  private static func talk(
    _ server: EmulatorServer, _ arguments: [String] = [], lines: [String] = [],
    key: String = "good-key", paper: Paper = Paper(), voice: WAVWriter? = nil
  ) async throws -> TourSummary {
    try await makeTalk(server, arguments, lines: lines, key: key, paper: paper, voice: voice).run()
  }

  private static func makeTalk(
    _ server: EmulatorServer, _ arguments: [String] = [], lines: [String] = [],
    key: String = "good-key", paper: Paper = Paper(), voice: WAVWriter? = nil
  ) throws -> Talk {
    let endpoint = ["--endpoint", "http://127.0.0.1:\(server.port)"]
    let options = try TalkOptions(arguments: endpoint + arguments)
    let input = AsyncStream<String> { continuation in
      for line in lines { continuation.yield(line) }
      continuation.finish()
    }
    let recording = options.input == .typed ? nil : try Recording.load(.builtIn)
    return Talk(
      options, key: Secret(key), recording: recording, lines: input, isTyped: false, voice: voice,
      screen: paper.screen(options))
  }

  @Test func typedLinesAreAnsweredAndAccountedFor() async throws {
    let paper = Paper()
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(
      "voice-\(UInt64.random(in: .min ... .max)).wav")
    defer { try? FileManager.default.removeItem(at: file) }
    let voice = try WAVWriter(path: file.path)
    let summary = try await withEmulatorServer(Self.server()) { server in
      try await Self.talk(
        server, lines: ["Hello there", "", "please use the tool", " ", "Bye"], paper: paper,
        voice: voice)
    }
    try voice.close()
    #expect(summary.holds, "\(summary.verdicts) \(summary.run.promisesBroken)")
    #expect(summary.live == 1 && summary.toolCalls == 1)
    #expect(summary.run.tokensMinted ?? 0 >= 1)
    let answers = paper.out.split(separator: "\n")
    #expect(answers.first == "You said: Hello there")
    #expect(answers.last == "You said: Bye")
    #expect(answers.count == 3 && answers[1].contains("\"time\""))
    let bytes = Array(try Data(contentsOf: file))
    #expect(bytes.count == 44 + summary.receivedFromModelBytes)
    #expect(Array(bytes.prefix(44)) == WAVWriter.head(dataBytes: summary.receivedFromModelBytes))
    #expect(summary.receivedFromModelBytes > 0)
  }

  @Test func aConversationCrossesARotationAndSaysSoQuietly() async throws {
    let paper = Paper()
    var configuration = Self.server()
    // Soon a goAway, and much time for it however slow the machine; the rotation ends the talk.
    configuration.service.connections.lifetime = .seconds(16)
    configuration.service.connections.goAwayNotice = .seconds(15)
    let summary = try await withEmulatorServer(configuration) { server in
      let talk = try Self.makeTalk(server, ["--minutes", "2"], lines: ["Hello"], paper: paper)
      paper.once("rotation to connection 2") { talk.stop.turnOn() }
      return try await talk.run()
    }
    #expect(summary.holds, "\(summary.verdicts) \(summary.run.promisesBroken)")
    #expect(summary.rotations >= 1 && summary.freshStarts == 0)
    #expect(paper.out == "You said: Hello\n")
    #expect(paper.err.contains("rotation to connection 2"))
  }

  @Test func manySessionsSpeakAndEveryByteIsRemembered() async throws {
    let summary = try await withEmulatorServer(Self.server()) { server in
      // Another talk before it on the same server is not mistaken for this one.
      _ = try await Self.talk(server, lines: ["earlier"])
      return try await Self.talk(server, ["--sessions", "5", "--minutes", "0.06"])
    }
    #expect(summary.holds, "\(summary.verdicts) \(summary.run.promisesBroken)")
    #expect(summary.live == 5 && summary.audio.sessionsExact == 5)
    #expect(summary.run.tokensMinted ?? 0 >= 5)
    #expect(summary.audio.sentBytes == 5 * ApplicationScript.talkFrames * Recording.frameBytes)
    #expect(summary.audio.rememberedBytes == summary.audio.sentBytes)
    #expect(summary.json.contains(#""traceHash":null"#))
  }

  @Test func aTalkCountsItsOwnTokensAndNobodyElses() async throws {
    let (one, other, all) = try await withEmulatorServer(Self.server()) { server in
      async let one = Self.talk(server, ["--sessions", "4", "--minutes", "0.06"])
      async let other = Self.talk(server, lines: ["Hello", "Bye"])
      return try await (one, other, server.report().totals.minted)
    }
    let (ofOne, ofOther) = (one.run.tokensMinted ?? 0, other.run.tokensMinted ?? 0)
    #expect(ofOne >= 4 && ofOther >= 1)
    #expect(ofOne + ofOther == all)
  }

  @Test(arguments: [
    ([], "bad-key", "refuses the key"), (["--model", "no-such"], "good-key", "the model no-such"),
  ])
  func whatTheServiceRefusesEndsTheTalk(
    _ arguments: [String], _ key: String, _ part: String
  ) async throws {
    try await withEmulatorServer(Self.server()) { server in
      let error = await #expect(throws: TalkFailure.self) {
        try await Self.talk(server, arguments, lines: ["Hello"], key: key)
      }
      #expect(error?.status == .refused)
      #expect(error?.message.contains(part) == true)
      #expect(error?.message.contains("bad-key") == false)
    }
  }

  @Test func nobodyAtTheEndpointIsToldAsSuch() async throws {
    // The server's port is free again once it has ended.
    let port = try await withEmulatorServer(Self.server()) { $0.port }
    let options = try TalkOptions(arguments: ["--endpoint", "http://127.0.0.1:\(port)"])
    let talk = Talk(
      options, key: Secret("k"), recording: nil, lines: Console.noLines, isTyped: false,
      voice: nil, screen: Paper().screen(options))
    let error = await #expect(throws: TalkFailure.self) { try await talk.run() }
    #expect(error?.status == .unavailable)
    #expect(error?.message.contains("does not answer") == true)
  }

  @Test(arguments: [(false, "https", "needs http"), (true, "http", "needs https")])
  func aServerOfTheOtherKindIsToldAsSuch(
    _ usesTLS: Bool, _ scheme: String, _ advice: String
  ) async throws {
    var configuration = Self.server()
    if usesTLS { configuration.identity = TestIdentity.pem }
    try await withEmulatorServer(configuration) { server in
      let options = try TalkOptions(arguments: [
        "--endpoint", "\(scheme)://127.0.0.1:\(server.port)",
      ])
      let talk = Talk(
        options, key: Secret("k"), recording: nil, lines: Console.noLines, isTyped: false,
        voice: nil, screen: Paper().screen(options))
      let error = await #expect(throws: TalkFailure.self) { try await talk.run() }
      #expect(error?.status == .unavailable)
      #expect(error?.message.hasSuffix(advice) == true)
    }
  }

  @Test func aServiceThatIsGoneAtTheEndCostsNotTheWholeAccount() async throws {
    let paper = Paper()
    let (lines, typing) = AsyncStream<String>.makeStream()
    let (talk, result) = try await withEmulatorServer(Self.server()) { server in
      let options = try TalkOptions(arguments: ["--endpoint", "http://127.0.0.1:\(server.port)"])
      let talk = Talk(
        options, key: Secret("k"), recording: nil, lines: lines, isTyped: true, voice: nil,
        screen: paper.screen(options))
      typing.yield("Hello")
      let result = Task { try await talk.run() }
      while !paper.out.hasSuffix("\n") { await Task.yield() }
      return (talk, result)
    }
    talk.stop.turnOn()
    let error = await #expect(throws: TalkFailure.self) { try await result.value }
    #expect(error?.status == .unavailable)
    #expect(error?.account?.run.isWitnessed == false)
    #expect(error?.account?.receivedFromModelBytes ?? 0 > 0)
  }

  @Test func aStopEndsATalkThatWouldGoOn() async throws {
    try await withEmulatorServer(Self.server()) { server in
      let options = try TalkOptions(arguments: [
        "--endpoint", "http://127.0.0.1:\(server.port)", "--minutes", "60",
      ])
      let (lines, typing) = AsyncStream<String>.makeStream()
      let paper = Paper()
      let talk = Talk(
        options, key: Secret("k"), recording: nil, lines: lines, isTyped: true, voice: nil,
        screen: paper.screen(options))
      typing.yield("Hello")
      async let summary = talk.run()
      while !paper.out.hasSuffix("\n") { await Task.yield() }
      talk.stop.turnOn()
      #expect(try await summary.holds)
    }
  }
}

@Suite struct OutsideReportTests {
  @Test func upgradesAreCountedWithinAStretchOfTime() {
    var report = OutsideReport()
    report.upgrades = [9, 0, 0, 1, 2, 3, 4, 0, 0, 0]
    // Until now, which is the last bucket.
    #expect(report.upgrades(from: .milliseconds(600), to: .zero) == (10, 10))
    #expect(report.upgrades(from: .milliseconds(400), to: .milliseconds(300)) == (7, 7))
    #expect(report.upgrades(from: .seconds(60), to: .zero) == (19, 19))
    #expect(OutsideReport().upgrades(from: .seconds(1), to: .zero) == (0, 0))
  }

  @Test func whatCameBeforeIsNotCounted() throws {
    var earlier = OutsideReport()
    (earlier.promisesBroken, earlier.promises) = (1, [.init(words: "a")])
    var later = earlier
    later.promisesBroken = 7
    later.promises = [
      .init(words: "a"), .init(words: "b"), .init(words: "own", session: 1),
      .init(words: "other's", session: 2), .init(words: "unlabelled", session: 3),
    ]
    later.labels = [1: "talk-x-0", 2: "talk-y-0"]
    let since = later.since(earlier)
    #expect(
      since.brokenPromises(label: "talk-x") == ["b", "own", "2 more that the service did not keep"])
  }

  /// Whoever is at the endpoint may say what he likes.
  @Test func absurdNumbersDoNotTrap() throws {
    func report(_ number: String) throws -> OutsideReport {
      let tally = #"{"count":\#(number),"bytes":\#(number)}"#
      let json = """
        {"service":{"promisesBroken":\(number)},
         "upgrades":{"bucketMilliseconds":\(number),"counts":[\(number),\(number)]},
         "sessions":[{"label":"a","remembered":{"text":\(tally),"content":\(tally)}}]}
        """
      return try #require(OutsideReport(try JSONValue(decoding: Array(json.utf8))))
    }
    let largest = try report("9223372036854775807")
    let smallest = try report("-9223372036854775808")
    for (later, earlier) in [(largest, smallest), (smallest, largest), (largest, largest)] {
      _ = later.since(earlier).brokenPromises(label: "")
      _ = later.upgrades(from: .seconds(100_000), to: .zero)
    }
    #expect(largest.sessions["a"]?.first?.texts ?? 0 > 0)
  }

  @Test(arguments: ["{}", "[]", #"{"service":{"minted":1}}"#])
  func whatIsNoReportIsNone(_ json: String) throws {
    #expect(OutsideReport(try JSONValue(decoding: Array(json.utf8))) == nil)
  }
}
#endif
