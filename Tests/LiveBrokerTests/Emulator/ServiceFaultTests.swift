// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@testable import LiveEmulator

@Suite struct ServiceFaultTests {
  @Test func aSilentConnectionTakesNothingInAndStaysOpen() throws {
    var stage = ServiceStage()
    stage.open(1)
    let handle = try stage.handle(1)
    stage.forgetLog()
    stage.inject(.silence, 1)
    stage.text(1, "anyone there?")
    stage.pass(.seconds(500))
    #expect(stage.sent(1).isEmpty)
    #expect(stage.closes(1).isEmpty)
    #expect(stage.account().remembered.tallies.count == 0)
    stage.resume(2, handle: handle)
    stage.pass(.seconds(5))
    #expect(stage.closes(2) == [.sessionInUse])
    #expect(stage.broken.isEmpty, "the client could not know that the socket still counts")
    stage.pass(.seconds(100))
    #expect(stage.drops().contains(1))
  }

  @Test func silenceAfterGoAwayIsPossible() {
    var stage = ServiceStage()
    stage.open(1)
    stage.forgetLog()
    stage.inject(.goAway(timeLeft: .seconds(5)), 1)
    stage.inject(.silence, 1)
    stage.text(1, "hello")
    stage.pass(.seconds(6))
    #expect(stage.shape(1) == "goAway")
    #expect(stage.drops() == [1])
  }

  @Test func handlesCanBeWithheldAndGivenAgain() {
    var stage = ServiceStage()
    stage.upgrade(1)
    stage.inject(.withholdHandles(true), 1)
    stage.setup(1)
    stage.pass(.milliseconds(50))
    stage.inject(.withholdHandles(true), 1)
    stage.pass(.seconds(10))
    #expect(stage.shape(1) == "setup")
    stage.inject(.withholdHandles(false), 1)
    stage.pass(.seconds(10))
    #expect(stage.shape(1) == "setup handle")
  }

  @Test func theNextResumeCanBeRefusedOnce() throws {
    var stage = ServiceStage()
    stage.open(1)
    let handle = try stage.handle(1)
    stage.inject(.refuseNextResume, 1)
    stage.close(1)
    stage.resume(2, handle: handle)
    #expect(stage.closes(2) == [.sessionNotFound])
    stage.resume(3, handle: handle)
    #expect(stage.closes(3).isEmpty)
  }

  @Test func aPoisonedResumeTranscribesAndNeverAnswers() throws {
    var stage = ServiceStage()
    let setup = #"{"model":"models/fixture","sessionResumption":{},"inputAudioTranscription":{}}"#
    stage.open(1, setup: setup)
    let handle = try stage.handle(1)
    stage.inject(.poisonNextResume, 1)
    stage.close(1)
    stage.open(
      2, setup: setup.replacing(#"{},"i"#, with: #"{"handle":"\#(handle)"},"i"#))
    stage.audio(2, [1, 1])
    stage.pass(.seconds(1))
    stage.text(2, "hello?")
    stage.pass(.seconds(60))
    #expect(stage.shape(2) == "setup handle heard handle")
    #expect(stage.service.totalsNow.turns == 0)
    let second = try stage.handle(2)
    stage.close(2)
    stage.resume(3, handle: second)
    stage.text(3, "hello?")
    stage.pass(.seconds(10))
    #expect(stage.service.totalsNow.turns == 1, "only that one resume was poisoned")
  }

  @Test func aResumeCanForgetEverything() throws {
    var stage = ServiceStage()
    stage.open(
      1, setup: #"{"model":"models/fixture","sessionResumption":{},"labels":{"session":"a"}}"#)
    stage.text(1, "remember this")
    stage.pass(.seconds(10))
    let handle = try stage.handle(1)
    stage.close(1)
    let known = stage.service.inject(.forgetOnResume, intoSession: "a", at: stage.now)
    #expect(known)
    stage.resume(2, handle: handle)
    #expect(stage.closes(2).isEmpty)
    #expect(stage.account().remembered.tallies.count == 0)
    #expect(stage.account().forgotten.text == Tally(count: 1, bytes: 13))
  }

  @Test func dropsClosesFramesAndCallsCanBeInjected() {
    var stage = ServiceStage()
    for id in 1...3 as ClosedRange<ConnectionID> { stage.open(id) }
    stage.forgetLog()
    stage.inject(.drop, 1)
    stage.inject(.send(Array("{".utf8)), 2)
    stage.inject(.close(.overloaded), 2)
    stage.inject(.callTool, 3)
    stage.pass(.milliseconds(300))
    #expect(stage.drops() == [1])
    #expect(stage.sent(2) == ["{"])
    #expect(stage.closes(2) == [.overloaded])
    #expect(stage.shape(3) == "none call")
    let found = stage.service.inject(.drop, into: 99, at: stage.now)
    #expect(!found)
  }

  @Test func aFalseGoAwayCutsWhenItDoesNotSay() {
    var stage = ServiceStage()
    stage.open(1)
    let start = stage.now
    stage.inject(.falseGoAway(timeLeft: .seconds(60), cutAfter: .seconds(5)), 1)
    stage.pass(.seconds(60))
    #expect(stage.sent(1).last == #"{"goAway":{"timeLeft":"60s"}}"#)
    #expect(stage.closedAt(1) == start.advanced(by: .seconds(5)))
  }

  @Test(arguments: [(true, 0), (false, 1)])
  func aRestartCutsEverythingAndMayForget(forgets: Bool, resumed: Int) throws {
    var stage = ServiceStage()
    stage.open(1)
    let handle = try stage.handle(1)
    stage.service.restart(forgettingSessions: forgets, at: stage.now)
    stage.collect()
    #expect(stage.drops() == [1])
    stage.resume(2, handle: handle)
    #expect(stage.service.totalsNow.sessionsResumed == resumed)
    #expect(stage.closes(2) == (forgets ? [.sessionNotFound] : []))
    #expect(stage.service.report().sessions.count == 1)
  }

  @Test func pingsAreAnsweredUnlessTheConnectionIsSilent() {
    var stage = ServiceStage()
    stage.open(1)
    let healthy = stage.service.pingReceived(1, at: stage.now)
    stage.inject(.silence, 1)
    let silent = stage.service.pingReceived(1, at: stage.now)
    let unknown = stage.service.pingReceived(2, at: stage.now)
    #expect(healthy)
    #expect(!silent)
    #expect(!unknown)
  }

  @Test func anIdleReaperIsKeptAwayByPings() {
    var stage = ServiceStage { $0.connections.idleLimit = .seconds(60) }
    stage.open(1)
    for _ in 0..<5 {
      stage.pass(.seconds(30))
      _ = stage.service.pingReceived(1, at: stage.now)
    }
    #expect(stage.drops().isEmpty)
    stage.pass(.seconds(59))
    stage.text(1, "hello")
    stage.pass(.seconds(59))
    #expect(stage.drops().isEmpty)
    stage.pass(.seconds(2))
    #expect(stage.drops() == [1])
  }

  @Test func mintsCanBeFailedByCall() {
    var stage = ServiceStage()
    stage.service.failNextMints(2, status: 429)
    #expect(stage.post("").status == 429)
    #expect(stage.post("").status == 429)
    #expect(stage.post("").status == 200)
  }

  @Test func faultsByChanceHappenAboutAsOftenAsAsked() {
    var stage = ServiceStage {
      $0.notes = false
      $0.faults.drops = 0.1
      $0.faults.closes = 0.1
      $0.faults.silences = 0.1
      $0.faults.earlyGoAways = 0.1
      $0.faults.mintFailures = 0.5
      $0.faults.incidentsWithin = .seconds(60)
      $0.connections.goAwayNotice = nil
    }
    for id in 1...1_000 as ClosedRange<ConnectionID> { stage.open(id) }
    stage.pass(.seconds(75))
    let totals = stage.service.totalsNow
    #expect((60...140).contains(totals.goAways))
    #expect((120...280).contains(totals.closesByService), "closes, and early goAways ignored")
    let cut = stage.drops().filter { stage.closedIDs.contains($0) == false }
    #expect((60...140).contains(cut.count))
    let failed = (0..<200).count { _ in stage.post("").status != 200 }
    #expect((60...140).contains(failed))
  }

  @Test func theSameSeedGivesTheSameOutputs() {
    func run(_ seed: UInt64) -> [ServiceOutput] {
      var stage = ServiceStage(seed: seed) {
        $0.faults.drops = 0.3
        $0.faults.oddFrames = 0.3
        $0.connections.lifetimeJitter = .seconds(60)
      }
      for id in 1...30 as ClosedRange<ConnectionID> {
        stage.open(id, stage.token())
        stage.text(id, "tools and probes")
      }
      stage.pass(.seconds(700))
      return stage.log.map(\.output)
    }
    #expect(run(1) == run(1))
    #expect(run(1) != run(2))
  }

  @Test func noBytesThatAPeerSendsCanTrap() {
    var chance = SplitMix64(seed: 99)
    var stage = ServiceStage { $0.notes = false }
    let seeds: [String] = [
      #"{"setup":{"model":"m","sessionResumption":{"handle":"x"},"labels":{"session":"a"}}}"#,
      #"{"realtimeInput":{"audio":{"data":"AAAA","mimeType":"audio/pcm"}}}"#,
      #"{"toolResponse":{"functionResponses":[{"id":"1","name":"x","response":{}}]}}"#,
      #"{"clientContent":{"turns":[{"parts":[{"text":"tool"}]}],"turnComplete":true}}"#,
      #"{"contextUpdate":{"tools":{"tools":[]}}}"#,
      #"{"uses":1,"expireTime":"1700-01-01T00:00:00Z","fieldMask":"labels.a"}"#,
    ]
    for round in 0..<4_000 as Range<ConnectionID> {
      stage.upgrade(round, stage.token())
      if round % 2 == 0 {
        stage.setup(round)
        stage.pass(.milliseconds(30))
      }
      for _ in 0..<3 {
        var bytes = Array((chance.pick(seeds) ?? "").utf8)
        for _ in 0..<chance.nanoseconds(upTo: 3) where !bytes.isEmpty {
          let index = Int(chance.nanoseconds(upTo: Int64(bytes.count - 1)))
          bytes[index] = UInt8(truncatingIfNeeded: chance.next())
        }
        stage.service.received(round, UnsafeRawBufferPointer(start: nil, count: 0), at: stage.now)
        bytes.withUnsafeBytes { stage.service.received(round, $0, at: stage.now) }
        _ = stage.service.mint(
          credential: ServiceStage.key, body: bytes, at: stage.now, wallTime: stage.wallTime)
      }
      stage.drop(round)
      stage.forgetLog()
    }
    stage.pass(.seconds(10_000))
    #expect(stage.service.totalsNow.connectionsOpen == 0)
    #expect(stage.service.totalsNow.sessionsLive == 0)
  }
}
