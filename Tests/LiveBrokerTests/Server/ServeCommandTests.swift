// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import LiveEmulator
import Testing

@testable import LiveBrokerDemo

#if NIO
@Suite struct ServeCommandTests {
  @Test func withoutArgumentsTheServicesOwnLifetimesHold() throws {
    let configuration = try ServeOptions(arguments: []).configuration
    let defaults = ServiceConfiguration()
    #expect(configuration.port == 8765)
    #expect(configuration.host == "127.0.0.1")
    #expect(configuration.identity == nil)
    #expect(configuration.service.connections == defaults.connections)
    #expect(configuration.service.sessions == defaults.sessions)
    #expect(configuration.service.credentials.lifetime == defaults.credentials.lifetime)
    #expect(configuration.service.credentials.refusedKeys == [Secret("bad-key")])
    #expect(configuration.service.faults == defaults.faults)
    #expect(configuration.faults == ServerFaults())
  }

  @Test func everyFlagReachesTheServer() throws {
    let options = try ServeOptions(arguments: [
      "--port", "0", "--host=0.0.0.0", "--tls-cert", "c.pem", "--tls-key", "k.pem",
      "--connection-lifetime", "5s", "--go-away-notice", "1s", "--new-session-window", "2s",
      "--token-lifetime", "15s", "--handle-lifetime", "1m", "--answer-length", "300ms",
      "--api-key", "a,b", "--admit", "100", "--max-sessions", "7", "--seed", "9",
      "--variant", "v1,text-frames,pretty,usage-apart", "--faults",
      "drop=0.25,delay-pong=20s,goaway-silence,drop-in-call=0.5,close-in-call=0.125,merge,tear=0.1",
      "--drain", "3s", "--log", "none", "--closes", "quota,internal-occurred",
    ])
    let made = options.configuration
    #expect(made.identity == .files(certificateChain: "c.pem", privateKey: "k.pem"))
    #expect(made.port == 0 && made.host == "0.0.0.0" && made.seed == 9)
    #expect(made.service.connections.lifetime == .seconds(5))
    #expect(made.service.connections.goAwayNotice == .seconds(1))
    #expect(made.service.connections.pongDelay == .seconds(20))
    #expect(made.service.credentials.newSessionWindow == .seconds(2))
    #expect(made.service.credentials.maximumNewSessionWindow == .seconds(3))
    #expect(made.service.credentials.lifetime == .seconds(15))
    #expect(made.service.credentials.maximumLifetime == .seconds(16))
    #expect(made.service.credentials.acceptedKeys == [Secret("a"), Secret("b")])
    #expect(made.service.sessions.handleLifetime == .seconds(60))
    #expect(made.service.sessions.concurrent == 7)
    #expect(made.service.admitPerSecond == 100)
    #expect(made.service.faults.drops == 0.25)
    #expect(made.service.faults.closeNotices == [.quotaExceeded, .internalErrorOccurred])
    #expect(made.service.faults.goAwaySilences == 1)
    #expect(made.service.faults.callDrops == 0.5 && made.service.faults.callCloses == 0.125)
    #expect(made.service.faults.merges == 1 && made.faults.tornMessages == 0.1)
    #expect(made.service.prettyPrinted && made.service.usageApart && !made.service.notes)
    #expect(made.variants.servesV1 && made.variants.sendsTextFrames)
    #expect(options.drainTime == .seconds(3))
  }

  @Test(arguments: [
    (["--faults", "drpo=1"], "did you mean drop?"),
    (["--faults", "drop=2"], "drop: 2 is not within"),
    (["--faults", "drop=1,drop=1"], "'drop' is given twice"),
    (["--faults", "delay-pong"], "delay-pong: needs a length of time"),
    (["--tls-cert", "c.pem"], "belong together"),
    (["--go-away-notice", "600s"], "is not less than"),
    (["--port", "65536"], "--port"), (["--variant", "v3"], "--variant: 'v3' is not one of"),
    (["--closes", ","], "--closes: there is no name"), (["--closes", "quoat"], "mean quota?"),
    (["--prot", "1"], "did you mean --port?"), (["--api-key", ","], "--api-key: there is no key"),
    (["--connection-lifetime", "20s"], "60s is not less"),
  ])
  func aWrongFlagIsExplained(_ arguments: [String], _ part: String) {
    let error = #expect(throws: UsageError.self) { try ServeOptions(arguments: arguments) }
    #expect("\(error ?? UsageError(""))".contains(part))
  }

  @Test func theHelpNamesEveryFaultAndVariant() throws {
    guard case .show(let text) = try CommandLineCall(["serve", "--help"]) else {
      Issue.record("no help")
      return
    }
    for word in ServeOptions.Variant.allCases.map(\.rawValue) { #expect(text.contains(word)) }
    for word in ServeOptions.Close.allCases.map(\.rawValue) { #expect(text.contains(" \(word) ")) }
    for word in [
      "drop-in-call=", "close-in-call=", "merge=", "tear=", "drop=", "stall-upgrade=",
      "delay-pong=", "ignore-close=", "goaway-silence=",
    ] {
      #expect(text.contains(word))
    }
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
  }

  @Test func aLogLineIsReadableAndItsJSONIsValid() throws {
    let time = WallTime(nanosecondsSinceEpoch: 1_900_000_000_250_000_000)
    let event = ServerEvent.service(.closed(7, code: 1011, reason: #"a "reason""#))
    let text = try #require(ServerLog(.text)?.line(event, at: time))
    #expect(text == #"17:46:40.250  c7            closed: 1011 a "reason""#)
    let json = try #require(ServerLog(.json)?.line(event, at: time))
    let value = try JSONValue(decoding: Array(json.utf8))
    #expect(value["event"]?.stringValue == "closed")
    #expect(value["connection"]?.integerValue == 7)
    #expect(ServerLog(.none) == nil)
  }

  @Test func aClientsWordsDoNotSteerTheTerminalOfALog() throws {
    let time = WallTime(nanosecondsSinceEpoch: 0)
    let event = ServerEvent.service(
      .setupRefused(1, code: 1008, reason: "models/x\u{1B}[31m\nPROMISE BROKEN is not found"))
    let line = try #require(ServerLog(.text)?.line(event, at: time))
    #expect(!line.contains("\u{1B}") && !line.contains("\n"))
    #expect(line.contains("models/x\u{FFFD}[31m\u{FFFD}PROMISE"))
  }

  @Test func whatComesTooOftenIsLeftToVerboseLogs() {
    let time = WallTime(nanosecondsSinceEpoch: 0)
    let event = ServerEvent.service(.checkpoint(session: 1, checkpoint: 2))
    #expect(ServerLog(.text)?.line(event, at: time) == nil)
    #expect(ServerLog(.verbose)?.line(event, at: time)?.contains("handle 2") == true)
  }

  @Test func anInjectedMessageIsNotLogged() throws {
    let time = WallTime(nanosecondsSinceEpoch: 0)
    let event = ServerEvent.service(.fault(1, .send(Array("auth_tokens/x".utf8))))
    #expect(try #require(ServerLog(.json)?.line(event, at: time)).contains("fault: send\""))
  }
}
#else
@Suite struct ServeCommandTests {
  @Test func withoutSocketsTheProgramSaysHowToBuildWithThem() {
    let error = #expect(throws: UsageError.self) { try CommandLineCall(["serve", "--port", "0"]) }
    #expect("\(error ?? UsageError(""))".contains("swift run --traits NIO LiveBrokerDemo serve"))
  }
}
#endif
