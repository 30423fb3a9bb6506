// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@testable import LiveBrokerDemo

#if NIO
@Suite struct TalkOptionsTests {
  @Test func withoutFlagsAPersonTypesToTheRealService() throws {
    let options = try TalkOptions(arguments: [])
    #expect(options.endpoint == nil)
    #expect(options.input == .typed)
    #expect(options.length == nil)
    #expect(options.model == TalkOptions.defaultModel)
    #expect(TalkSetup.pool(options) == TokenPoolConfiguration())
  }

  @Test func everyFlagIsHeard() throws {
    let options = try TalkOptions(arguments: [
      "--endpoint", "https://localhost:8443/base/", "--ca", "c.pem", "--model", "gemini-x",
      "--minutes", "0.5", "--token-lifetime", "15s", "--new-session-window=2s",
      "--handover", "optimistic", "--save", "a.wav", "--seed", "7", "--json",
    ])
    let endpoint = try #require(options.endpoint)
    #expect(endpoint.host == "localhost" && endpoint.port == 8443 && endpoint.usesTLS)
    #expect(endpoint.basePath == "/base")
    #expect(options.authority == "c.pem" && options.saveFile == "a.wav" && options.seed == 7)
    #expect(options.length == .seconds(30) && options.printsJSON)
    #expect(TalkSetup.pool(options).lifetime == .seconds(15))
    #expect(TalkSetup.pool(options).newSessionWindow == .seconds(2))
    let session = TalkSetup.session(options, label: "a")
    #expect(session.setup.model == "models/gemini-x")
    #expect(session.rotation.handover == .optimistic)
  }

  @Test(arguments: [
    ([], TalkOptions.Input.typed), (["--audio", "none"], .typed),
    (["--audio", "built-in"], .speech(.builtIn)), (["--audio", "a.wav"], .speech(.file("a.wav"))),
    (["--sessions", "2"], .speech(.builtIn)),
    (["--sessions", "2", "--audio", "none"], .scriptedText),
  ])
  func whatIsSaidFollowsFromTheFlags(_ arguments: [String], _ input: TalkOptions.Input) throws {
    #expect(try TalkOptions(arguments: arguments).input == input)
  }

  @Test func manySessionsEndAfterAMinuteIfNobodySaysWhen() throws {
    #expect(try TalkOptions(arguments: ["--sessions", "3"]).length == .seconds(60))
  }

  @Test(arguments: [
    (["--endpoint", "localhost:80"], "is not like"), (["--endpoint", "ftp://a"], "is not like"),
    (["--endpoint", "http://"], "is not like"), (["--endpoint", "http://a:0"], "is not like"),
    (["--endpoint", "http://a:x"], "is not like"), (["--endpoint", "http://a/?b"], "is not like"),
    (["--endpoint", "http://u@a"], "is not like"), (["--sessions", "0"], "--sessions"),
    (["--sessions", "2", "--save", "a.wav"], "--save keeps one voice"),
    (["--endpoint", "http://a", "--ca", "c"], "without TLS"),
    (["--token-lifetime", "5s", "--new-session-window", "6s"], "more than the token's lifetime"),
    (["--token-lifetime", "20h"], "--token-lifetime"), (["--minute", "1"], "mean --minutes?"),
  ])
  func aWrongFlagIsExplained(_ arguments: [String], _ part: String) {
    let error = #expect(throws: UsageError.self) { try TalkOptions(arguments: arguments) }
    #expect("\(error ?? UsageError(""))".contains(part))
  }

  @Test(arguments: [
    ("http://127.0.0.1", "127.0.0.1", 80, false), ("https://[::1]", "::1", 443, true),
    ("http://[::1]:8080/", "::1", 8080, false), ("https://a.example", "a.example", 443, true),
  ])
  func anAddressIsRead(_ url: String, _ host: String, _ port: Int, _ usesTLS: Bool) throws {
    let endpoint = try LiveEndpoint(url: url)
    #expect(endpoint == LiveEndpoint(host: host, port: port, usesTLS: usesTLS))
    #expect(try LiveEndpoint(url: endpoint.shown) == endpoint)
  }

  @Test func withoutAKeyTheRealServiceIsNotAsked() {
    for environment in [[:], ["GEMINI_API_KEY": ""]] {
      let error = #expect(throws: TalkFailure.self) {
        try TalkKey.key(from: environment, for: nil)
      }
      #expect(error?.status == .keyMissing)
      #expect(error?.message.contains("GEMINI_API_KEY") == true)
    }
  }

  @Test(arguments: [
    (nil, true), ("http://127.0.0.1:80", true), ("http://localhost", true), ("http://[::1]", true),
    ("https://else.where", true), ("http://else.where", false), ("http://127.example", false),
  ])
  func theUsersKeyGoesNowhereInPlainText(_ url: String?, _ isOwn: Bool) throws {
    let endpoint = try url.map { url throws(UsageError) in try LiveEndpoint(url: url) }
    let key = try TalkKey.key(from: ["GEMINI_API_KEY": "mine"], for: endpoint)
    #expect(key == Secret(isOwn ? "mine" : TalkKey.placeholder))
  }

  @Test func anEmulatedServiceNeedsNoKey() throws {
    let endpoint = try LiveEndpoint(url: "http://127.0.0.1")
    #expect(try TalkKey.key(from: [:], for: endpoint) == Secret(TalkKey.placeholder))
  }

  @Test func whatIsNoCertificateIsRefusedBeforeAnythingIsSent() throws {
    #expect(throws: Never.self) { try TalkSetup.checkAuthority(nil) }
    for path in ["no/such/file.pem", "Package.swift", "Sources"] {
      let error = #expect(throws: TalkFailure.self) { try TalkSetup.checkAuthority(path) }
      #expect(error?.status == .noInput)
      #expect(error?.message.hasPrefix("--ca: '\(path)' ") == true)
    }
  }

  @Test func theHelpNamesFlagsAndExitCodes() throws {
    guard case .show(let text) = try CommandLineCall(["talk", "--help"]) else {
      Issue.record("no help")
      return
    }
    for word in ["--endpoint", "--ca", "--save", "GEMINI_API_KEY", "77", "78"] {
      #expect(text.contains(word))
    }
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
  }
}
#else
@Suite struct TalkOptionsTests {
  @Test func withoutSocketsTheProgramSaysHowToBuildWithThem() {
    let error = #expect(throws: UsageError.self) { try CommandLineCall(["talk", "--json"]) }
    #expect("\(error ?? UsageError(""))".contains("swift run --traits NIO LiveBrokerDemo talk"))
  }
}
#endif
