# SPDX-License-Identifier: GPL-3.0-or-later
"""What other makers call ARKit's shapes: MetaHuman (ctrl_expressions_*), Character Creator 3 and 4, Audio2Face's names
that Faceit offers, and VRM's blinks. Only names that mean the same shape, if not to the same degree. No Blender.
"""

# ARKit's name, without its side -> other names, without theirs.
SYNONYMS = {
    "browDown": ("browDrop", "browLower"),
    "browInnerUp": ("browRaiseInner", "browRaiseIn", "innerBrowRaise"),
    "browOuterUp": ("browRaiseOuter", "outerBrowRaise"),
    "cheekPuff": ("mouthCheekBlow",),
    "cheekSquint": ("cheekRaise", "eyeCheekRaise"),
    "eyeBlink": ("blink", "eyeClose", "eyesClose", "eyesBlink"),
    "eyeLookDown": ("eyesLookDown", "lookDown"),
    "eyeLookUp": ("eyesLookUp", "lookUp"),
    "eyeSquint": ("eyeSquintInner", "squint"),
    "eyeWide": ("eyeWiden", "eyesUpperLidRaiser"),
    "jaw": ("jawSlide",),
    "jawForward": ("jawFwd", "jawThrust"),
    "jawOpen": ("jawDrop",),
    "mouth": ("mouthSlide",),
    "mouthClose": ("mouthLipsTogether",),
    "mouthDimple": ("dimpler",),
    "mouthFrown": ("mouthCornerDepress", "lipCornerDepressor"),
    "mouthFunnel": ("funneler",),
    "mouthLowerDown": ("mouthDownLower", "mouthLowerLipDepress", "lowerLipDepressor"),
    "mouthPress": ("lipPressor",),
    "mouthPucker": ("pucker", "mouthLipsPurse"),
    "mouthRollLower": ("mouthRollInLower", "mouthLowerLipRollIn"),
    "mouthRollUpper": ("mouthRollInUpper", "mouthUpperLipRollIn"),
    "mouthShrugLower": ("chinRaiser", "jawChinRaiseD"),
    "mouthShrugUpper": ("jawChinRaiseU",),
    "mouthSmile": ("mouthCornerPull", "lipCornerPuller"),
    "mouthStretch": ("lipStretcher",),
    "mouthUpperUp": ("mouthUpUpper", "mouthUpperLipRaise", "upperLipRaiser"),
    "noseSneer": ("noseWrinkle", "noseWrinkler"),
}

# Shapes that some makers cut into an upper and a lower part, each again into sides: all of them move together.
PARTED = ("mouthFunnel", "mouthPucker", "mouthPress", "mouthClose")
PARTS = {"up": "u", "u": "u", "down": "d", "d": "d"}

# Eyes that look to one side of the face rather than in or out: of one eye (MetaHuman, Character Creator 4).
EYES = {
    "eyeLookOutLeft": ("eyeLookLeftL", "Eye_L_Look_L"), "eyeLookInLeft": ("eyeLookRightL", "Eye_L_Look_R"),
    "eyeLookInRight": ("eyeLookLeftR", "Eye_R_Look_L"), "eyeLookOutRight": ("eyeLookRightR", "Eye_R_Look_R"),
    "eyeLookUpLeft": ("Eye_L_Look_Up",), "eyeLookUpRight": ("Eye_R_Look_Up",),
    "eyeLookDownLeft": ("Eye_L_Look_Down",), "eyeLookDownRight": ("Eye_R_Look_Down",),
}
