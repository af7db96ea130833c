"""Cameras behind `kosmos_agent.skills.CameraSource`: a picture, a folder of pictures, a film, a webcam."""

from kosmos_agent.cameras.opening import open_camera
from kosmos_agent.cameras.pictures import Folder, PictureFile
from kosmos_agent.cameras.video import VideoFile
from kosmos_agent.cameras.webcam import Webcam

__all__ = ["Folder", "PictureFile", "VideoFile", "Webcam", "open_camera"]
