// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite struct ReadmeTests {
  private static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().appending(path: "../../..").standardized

  private static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  @Test func theFirstProgramRuns() throws {
    let answer = try firstProgram()
    #expect(answer.contains("Hello"))
  }

  @Test func theFirstProgramOfTheReadmeIsTheOneThatRuns() throws {
    let readme = try Self.text("README.md")
    let block = try #require(readme.split(separator: "```swift\n", maxSplits: 1).dropFirst().first)
    let shown = try #require(block.split(separator: "\n```", maxSplits: 1).first)
    let source = try Self.text("Tests/LiveBrokerTests/Readme/FirstProgram.swift")
    let run = try #require(source.split(separator: "// README\n", maxSplits: 1).last)
    let program = shown.split(separator: "\n").filter { !$0.hasPrefix("import ") }
    #expect(program == run.split(separator: "\n"))
    #expect(shown.split(separator: "\n").count < 25)
  }
}
