// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

/// That no file of the corpus is passed over: each is a case, or a reason stands beside it.
@Suite struct FixtureCoverageTests {
  /// Files that hold several cases, and the tests that go through them.
  private let lists = [
    "auth_tokens/refused_by_sdk.json": "FixtureTokenTests, ClientTokenTests, EndpointTests",
    "live/first_server_message.json": "FixtureServerTests",
    "live/receive_turn_boundaries.json": "FixtureServerTests",
    "live/server_closes.json": "FixtureCloseTests",
    "live/server_malformed_frames.json": "MalformedFrameTests",
    "live/upgrade_rejections.json": "FixtureCloseTests",
  ]

  private let skipped = [
    "live/client_messages_refused_by_sdk.json":
      "what the SDK's own argument checks refuse; our types have other arguments, and no bytes exist",
    "live/keepalive_without_pong.json":
      "how the SDK's WebSocket library pings; LivenessPolicy differs on purpose (live-api.md B.4)",
    "live/message_size_limit.json":
      "a limit of the SDK's WebSocket library; the codec has none, and transports test their own",
    "live/refused_by_sdk.json":
      "setups that the SDK refuses by flavour of the service; no bytes exist",
    "versions.json": "versions of the recorder",
  ]

  @Test func everyFileIsACaseOrHasAReason() {
    let groups: [(name: String, cases: [Fixture])] = [
      ("setups", FixtureCorpus.setups), ("client messages", FixtureCorpus.clientMessages),
      ("server messages", FixtureCorpus.serverMessages),
      ("token requests", FixtureCorpus.tokenRequests),
      ("token responses", FixtureCorpus.tokenResponses), ("upgrades", FixtureCorpus.connects),
    ]
    let cases = Set(groups.flatMap { $0.cases.map(\.name) })
    let paths = Set(FixtureCorpus.paths)
    #expect(cases.isSubset(of: paths))
    #expect(paths.subtracting(cases) == Set(lists.keys).union(skipped.keys))
    for group in groups { print("fixtures: \(group.cases.count) \(group.name)") }
    print("fixtures: \(cases.count) files are cases, \(lists.count) files are lists of cases")
    for (path, reason) in skipped.sorted(by: { $0.key < $1.key }) {
      print("fixtures: no case in \(path): \(reason)")
    }
    #expect(groups.map(\.cases.count) == [43, 37, 71, 44, 14, 13] as [Int])
  }
}

/// How the recorded ends of connections are judged.
@Suite struct FixtureCloseTests {
  struct Close: Sendable, CustomTestStringConvertible {
    var phase: FailurePhase
    var code: UInt16?
    var reason: String?
    var testDescription: String { "\(phase) \(code.map(String.init) ?? "cut") \(reason ?? "")" }
  }

  static let closes: [Close] = {
    let entries = (try? FixtureCorpus.file("live/server_closes.json"))?.array ?? []
    return entries.flatMap { entry -> [Close] in
      let isLive = entry["phase"]?.string == "after_setup_complete"
      let phases: [FailurePhase] = isLive ? [.live] : [.freshSetup, .resumingSetup]
      return phases.map { phase in
        Close(
          phase: phase, code: entry["close"]?["code"]?.number.map { UInt16($0) },
          reason: entry["close"]?["reason"]?.string)
      }
    }
  }()

  @Test func allAreRead() { #expect(Self.closes.count == 16 * 2 + 16) }

  /// By rules apart from the table: who is to blame for this close?
  @Test(arguments: closes)
  func aCloseIsBlamedOnTheRightPart(_ close: Close) {
    let verdict = FailureClassification().verdict(
      phase: close.phase, code: close.code, reason: close.reason ?? "")
    let reason = (close.reason ?? "").lowercased()
    if reason.contains("token") {
      #expect(verdict == .newCredential)
    } else if reason.contains("quota") {
      #expect(verdict == .quotaExceeded)
    } else if reason.contains("session handle") {
      #expect(verdict == .dropHandle)
    } else if close.code == 1007, close.phase == .freshSetup {
      if case .stop = verdict {} else { Issue.record("\(verdict)") }
    } else if close.code == 1007, close.phase == .live {
      // Something that was sent is to blame: it is not sent again.
      #expect(verdict == .retryWithoutReplay)
    } else if [1007, 1008].contains(close.code), close.phase == .resumingSetup {
      #expect(verdict == .handleRefused || verdict == .dropHandle)
    } else {
      #expect(verdict == .retry)
    }
  }

  @Test(arguments: [400, 401, 403, 404, 429, 503])
  func aRefusedUpgradeIsTriedAgainOnlyIfThatCanHelp(status: Int) throws {
    let recorded = try #require(try FixtureCorpus.file("live/upgrade_rejections.json").array)
    #expect(recorded.compactMap { $0["http_status"]?.number } == [400, 401, 403, 404, 429, 503])
    let error = TransportError(.upgradeRefused, message: "refused", httpStatus: status)
    let verdict = FailureClassification().verdict(error, hasLived: false)
    if status == 429 || status == 503 {
      #expect(verdict == .retry)
    } else if case .stop(let end) = verdict {
      #expect(end.code == (status == 401 || status == 403 ? .credentialRefused : .refusedByService))
    } else {
      Issue.record("\(verdict)")
    }
  }
}
