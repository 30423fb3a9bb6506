// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import Testing

@testable import LiveBrokerDemo

@Suite struct OpenQuestionsTests {
  private func second(_ number: Int) -> EngineInstant { .zero.advanced(by: .seconds(number)) }

  @Test func aTurnAnswersAQuestion() {
    var questions = OpenQuestions()
    #expect(questions.nextLook(at: .zero) == nil && questions.isQuiet(at: .zero))
    questions.asked(at: .zero)
    #expect(questions.nextLook(at: .zero) == second(60))
    questions.heard(at: second(2))
    #expect(questions.nextLook(at: second(59)) == second(62))
    questions.turnEnded(isWhole: true, at: second(70))
    #expect(questions.nextLook(at: second(70)) == nil && questions.isQuiet(at: second(70)))
  }

  @Test func oneTurnMayAnswerSeveralQuestions() {
    var questions = OpenQuestions()
    for _ in 0..<3 { questions.asked(at: .zero) }
    questions.heard(at: second(1))
    questions.turnEnded(isWhole: true, at: second(2))
    #expect(!questions.isQuiet(at: second(6)))
    #expect(questions.nextLook(at: second(2)) == second(7))
    #expect(questions.nextLook(at: second(7)) == nil && questions.isQuiet(at: second(7)))
    // What did not come out even is forgotten.
    questions.asked(at: second(20))
    questions.heard(at: second(21))
    questions.turnEnded(isWhole: true, at: second(22))
    #expect(questions.nextLook(at: second(22)) == nil)
  }

  @Test func aTurnThatNobodyAskedForAnswersNothing() {
    var questions = OpenQuestions()
    questions.heard(at: .zero)
    #expect(questions.nextLook(at: .zero) == second(60), "its end is waited for all the same")
    questions.asked(at: second(1))
    questions.turnEnded(isWhole: false, at: second(2))
    #expect(!questions.isQuiet(at: second(2)))
    questions.heard(at: second(3))
    questions.turnEnded(isWhole: true, at: second(4))
    #expect(questions.isQuiet(at: second(4)))
  }

  @Test func aModelThatSaysNothingIsNotWaitedForForEver() {
    var questions = OpenQuestions()
    questions.asked(at: .zero)
    #expect(!questions.isQuiet(at: second(59)))
    #expect(questions.isQuiet(at: second(60)) && questions.nextLook(at: second(60)) == nil)
    questions.asked(at: second(61))
    questions.heard(at: second(62))
    #expect(questions.nextLook(at: second(122)) == nil)
    #expect(!questions.isQuiet(at: second(122)), "cut off in the midst is not answered")
  }

  @Test func withoutAConnectionNobodyGivesUp() {
    var questions = OpenQuestions()
    questions.asked(at: .zero)
    questions.heard(at: second(1))
    questions.turnCut(at: second(2))
    questions.connectionChanged(isUp: false, at: second(2))
    #expect(!questions.isQuiet(at: second(500)) && questions.nextLook(at: second(500)) != nil)
    questions.connectionChanged(isUp: true, at: second(500))
    #expect(questions.nextLook(at: second(500)) == second(510))
    #expect(questions.isQuiet(at: second(510)))
  }
}
#endif
