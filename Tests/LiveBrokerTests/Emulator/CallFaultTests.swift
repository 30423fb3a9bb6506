// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@testable import LiveEmulator

/// Connections that end while a function call is pending.
@Suite struct CallFaultTests {
  private func answer(_ stage: inout ServiceStage, _ id: ConnectionID) throws {
    let calls = try stage.messages(id).compactMap(\.toolCall?.functionCalls).joined()
    let call = try #require(Array(calls).last?.id)
    stage.say(
      id, #"{"toolResponse":{"functionResponses":[{"id":"\#(call)","name":"x","response":{}}]}}"#)
  }

  @Test(arguments: [nil, CloseNotice.notImplemented])
  func aConnectionEndsRightBehindTheCall(_ notice: CloseNotice?) {
    var stage = ServiceStage()
    stage.open(1)
    stage.inject(.endInCall(notice, .behindCall), 1)
    stage.text(1, "hello")
    stage.pass(.seconds(10))
    #expect(stage.closes(1).isEmpty && stage.drops().isEmpty, "only a call brings it about")
    stage.text(1, "use a tool")
    stage.pass(.seconds(1))
    #expect(stage.shape(1).hasSuffix("none call"))
    #expect(stage.closes(1) == (notice.map { [$0] } ?? []))
    #expect(stage.drops() == (notice == nil ? [1] : []))
    #expect(stage.account().pendingCalls.isEmpty)
  }

  @Test(arguments: [nil, CloseNotice.internalError])
  func aConnectionEndsWhenTheResponseComesWhichIsNotRead(_ notice: CloseNotice?) throws {
    var stage = ServiceStage()
    stage.open(1)
    let handle = try stage.handle(1)
    stage.inject(.endInCall(notice, .beforeResponse), 1)
    stage.text(1, "use a tool")
    stage.pass(.seconds(30))
    #expect(stage.closes(1).isEmpty && stage.drops().isEmpty)
    try answer(&stage, 1)
    #expect(stage.closes(1) == (notice.map { [$0] } ?? []))
    #expect(stage.drops() == (notice == nil ? [1] : []))
    #expect(stage.account().received.tallies.toolResponses.count == 0)
    stage.drop(1)
    // It happens once: the resumed session calls, and is answered.
    stage.resume(2, handle: handle)
    stage.text(2, "use a tool")
    stage.pass(.seconds(1))
    try answer(&stage, 2)
    stage.pass(.seconds(10))
    #expect(stage.account().remembered.tallies.toolResponses.count == 1)
    #expect(stage.account().turns == 1 && stage.broken.isEmpty)
  }

  @Test func aCallThatIsCancelledTakesItsTroubleAlong() throws {
    var stage = ServiceStage()
    stage.open(1)
    stage.inject(.endInCall(nil, .beforeResponse), 1)
    stage.text(1, "use a tool")
    stage.pass(.seconds(1))
    stage.text(1, "use another tool")
    stage.pass(.seconds(1))
    try answer(&stage, 1)
    stage.pass(.seconds(10))
    #expect(stage.drops().isEmpty && stage.account().turns == 2)
  }

  @Test func itHappensAboutAsOftenAsAsked() throws {
    var stage = ServiceStage {
      $0.notes = false
      $0.faults.callDrops = 0.2
      $0.faults.callCloses = 0.3
    }
    for id in 1...1_000 as ClosedRange<ConnectionID> {
      stage.open(id)
      stage.text(id, "use a tool")
    }
    stage.pass(.seconds(1))
    // A close that nobody answers ends in a cut as well.
    func count(_ stage: ServiceStage) -> (drops: Int, closes: Int) {
      (Set(stage.drops()).subtracting(stage.closedIDs).count, stage.closedIDs.count)
    }
    let early = count(stage)
    for id in 1...1_000 as ClosedRange<ConnectionID> where stage.service.isOpen(id) {
      try answer(&stage, id)
    }
    let all = count(stage)
    #expect((70...130).contains(early.drops) && (110...190).contains(early.closes))
    #expect((160...240).contains(all.drops) && (250...350).contains(all.closes))
    #expect(stage.service.totalsNow.faults == all.drops + all.closes)
  }
}

extension LiveService {
  /// Whether the service talks on this connection.
  fileprivate func isOpen(_ id: ConnectionID) -> Bool {
    connections.slot(id).map { connections.slots[$0].phase == .live } ?? false
  }
}
